"""A connection with handlers, on a fake host."""

from typing import Any

from ocpp_core.actions import Dispatch
from ocpp_transports._handlers._dispatcher import Dispatcher
from ocpp_transports._handlers._table import Handlers
from tests.transports.fake_host import drive

INTERNAL = "An internal error occurred while the action was processed"


class Station:
    """A connection with a registry of its own and its server's."""

    def __init__(self, *, protocol="ocpp1.6", newest_first=False, grace=0.0, **options):
        self.driver = drive(newest_first=newest_first)
        self.host, self.engine = self.driver.runtime, self.driver.engine
        self.own, self.server = Handlers(), Handlers()
        self.failures: list[Any] = []
        self.unserved: list[Any] = []
        self.dispatcher: Dispatcher[Any] = Dispatcher(
            self.driver,
            (self.own, self.server),
            client="the client",
            protocol=protocol,
            observer=self,
            hold_until=self.host.now() + grace,
            **options,
        )
        self.handle = self.own.handle
        self._requests = 0

    def handler_failed(self, context, error):
        self.failures.append((context.action, error))

    def handler_missing(self, action):
        self.unserved.append(action)

    def call(self, action="Heartbeat", payload=None, *, expects_reply=True):
        """Dispatch a request and let everything run; returns its number."""
        number = self.receive(action, payload, expects_reply=expects_reply)
        self.host.run()
        return number

    def receive(self, action="Heartbeat", payload=None, *, expects_reply=True):
        self._requests += 1
        payload = {} if payload is None else payload
        self.dispatcher.dispatched(Dispatch(self._requests, action, payload, f"id{self._requests}", expects_reply))
        return self._requests

    @property
    def answers(self):
        return self.engine.events


async def later(value):
    return value


async def raise_later(error):
    raise error


def throw(error):
    raise error
