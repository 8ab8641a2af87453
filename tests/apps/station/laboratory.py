"""A simulated station on a virtual clock and a client without a connection; its CSMS is a table of answers.

Whatever passes is held against the bundled schemas: a test that sends or gets what breaks them fails.
"""

from functools import cache
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

from ocpp_apps.station import Station, StationSettings
from ocpp_core.actions import Direction
from ocpp_core.errors import ConnectionLostError, RPCError
from ocpp_core.errors import TimeoutError as CallTimeout
from ocpp_core.validation import load_validator
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._middleware import compose
from ocpp_transports._handlers._table import NOREPLY
from ocpp_transports.events import CloseEvent, ConnectingEvent, DisconnectEvent, ErrorEvent, MessageEvent, OpenEvent
from tests.apps.station.fake_outbox import FakeOutbox
from tests.apps.station.virtual_clock import VirtualClock
from tests.kinds import mistyped

VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]
SECOND_GENERATION = ["ocpp2.0.1", "ocpp2.1"]
LATENCY = 0.01
ACCEPTED = {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}


@cache
def validator(protocol):
    return load_validator(protocol)


def answers_of(protocol):
    """What a CSMS says that accepts everything."""
    about = {"status": "Accepted"}
    answers = {"BootNotification": ACCEPTED, "Heartbeat": {"currentTime": "2026-01-01T00:00:00Z"}}
    if protocol != "ocpp1.6":
        return {**answers, "Authorize": {"idTokenInfo": about}}
    start = {"idTagInfo": about, "transactionId": 7}
    return {**answers, "Authorize": {"idTagInfo": about}, "StartTransaction": start}


class FakeClient:
    """Fulfils `Client`. `answers` may hold payloads, functions of the request, and errors to raise."""

    identity = "CP1"

    def __init__(self, clock, protocol):
        self.clock, self.speaks, self.protocol = clock, protocol, None
        self.state = SimpleNamespace(name="CLOSED")
        self.answers = answers_of(protocol)
        self.calls, self.raw, self.times = [], [], []
        self.connects = 0
        self.refusals = []
        """Errors of the next attempts to connect."""
        self._connection = 0
        self._handlers, self._listeners = {}, {}
        self._middleware: tuple[Any, ...] = ()
        self._ids = 0
        self.outbox = FakeOutbox(clock, self._transmit)
        self.enqueue, self.outcomes = self.outbox.enqueue, self.outbox.outcomes

    # What a station uses

    async def connect(self):
        self.tell("connecting", ConnectingEvent("ws://csms.example/CP1"))
        await self.clock.sleep(LATENCY)
        if self.refusals:
            raise self.refusals.pop(0)
        self.protocol, self.connects = self.speaks, self.connects + 1
        self._open()
        return self.protocol

    async def close(self, code=1000, reason=""):
        if self.state.name != "CLOSED":
            self._connection += 1
            self.state.name = "CLOSED"
            self.outbox.closed()
            self.tell("close", CloseEvent(code, reason))
        return CloseEvent(code, reason)

    async def call(self, action, params):
        context: Any = CallContext(
            client=mistyped(self), action=action, params=dict(params), options={"validate": True}
        )
        return await compose(self._middleware, context, lambda: self._call(context))()

    async def safe_call(self, action, params):
        try:
            return await self.call(action, params)
        except RPCError:
            return None

    @property
    def queued(self):
        return self.outbox.queued

    def reconfigure(self, *, offline_queue_config):
        self.outbox.configure(offline_queue_config)

    def handle(self, version, action, handler):
        self._handlers[version, action] = handler

    def divert_messages(self, function):
        """Ignore it: `test_faults` has a client with connections for that."""

    def use(self, middleware):
        self._middleware = (*self._middleware, middleware)

    def on(self, name, listener):
        self._listeners.setdefault(name, []).append(listener)

    def off(self, name, listener):
        self._listeners[name].remove(listener)

    def send_raw(self, text):
        self.raw.append(text)

    # What a test does

    def tell(self, name, event):
        for listener in self._listeners.get(name, ()):
            listener(event)

    def cut(self):
        """Lose the connection; the client tries to come back."""
        self._connection += 1
        self.state.name = "CONNECTING"
        self.outbox.lost()
        self.tell("disconnect", DisconnectEvent(1006, ""))

    def restore(self):
        """Come back."""
        self._open()

    def give_up(self):
        """Lose the connection for good."""
        self.cut()
        self.state.name = "CLOSED"
        self.outbox.closed()
        self.tell("error", ErrorEvent(ConnectionLostError("given up", sent=False)))
        self.tell("close", CloseEvent(1001, ""))

    def actions(self):
        """Which handlers there are in the version that is spoken."""
        return {action for version, action in self._handlers if version == self.speaks}

    async def ask(self, action, params, *, is_valid=True):
        """Have the CSMS call the station; returns the answer, or NOREPLY."""
        message_id = self._next_id()
        self._passed(Direction.IN, [2, message_id, action, params], action)
        violation = validator(self.speaks).check_call(action, params)
        assert (violation is None) is is_valid, violation
        context: Any = SimpleNamespace(
            direction=Direction.IN,
            action=action,
            params=params,
            protocol=self.speaks,
            message_id=message_id,
            expects_reply=True,
            is_over=False,
        )

        async def innermost():
            result = self._handlers[self.speaks, action](context)
            return await result if isawaitable(result) else result

        result = await compose(self._middleware, context, innermost)()
        if result is not NOREPLY:
            assert validator(self.speaks).check_result(action, result) is None, (action, result)
            self._passed(Direction.OUT, [3, message_id, result], action)
        return result

    # Its own

    def _open(self):
        self.state.name = "OPEN"
        self.outbox.opened(self.speaks)
        self.tell("open", OpenEvent(self.speaks))

    def _next_id(self):
        self._ids += 1
        return f"id-{self._ids}"

    def _passed(self, direction, frame, action):
        self.tell("message", MessageEvent(direction, frame, action, None))

    async def _call(self, context):
        if self.state.name != "OPEN":
            raise ConnectionLostError("not connected", sent=False)
        action, params = context.action, context.params
        if context.options["validate"]:
            violation = validator(self.speaks).check_call(action, params)
            assert violation is None, (action, params, violation)
            assert validator(self.speaks).has(action), action
        answer = await self._transmit(action, params, self._next_id())
        if action == "BootNotification":
            self.outbox.boot_answered(answer.get("status"))
        return answer

    async def _transmit(self, action, params, message_id):
        connection = self._connection
        self.calls.append((action, params))
        self.times.append(self.clock.monotonic())
        self._passed(Direction.OUT, [2, message_id, action, params], action)
        await self.clock.sleep(LATENCY)
        if self._connection != connection:
            raise ConnectionLostError("the connection was lost", sent=True)
        return self._answer(action, params, message_id)

    def _answer(self, action, params, message_id):
        answer = self.answers.get(action, {})
        if callable(answer):
            answer = answer(params)
        if isinstance(answer, Exception):
            raise answer
        self._passed(Direction.IN, [3, message_id, answer], action)
        return answer


class Lab:
    """A station that is tested, switched on unless a test wants to do that itself."""

    def __init__(self, protocol="ocpp1.6", *, is_on=True, **settings):
        self.protocol = protocol
        self.clock = VirtualClock()
        self.client = FakeClient(self.clock, protocol)
        made = StationSettings(**{"connectors": 2, "protocol": protocol, **settings})
        self.station = Station(self.client, self.clock, made)
        if is_on:
            self.run(self.station.start())
            self.forget()

    @property
    def is_16(self):
        return self.protocol == "ocpp1.6"

    def run(self, coro):
        """Run a coroutine to its end."""
        return self.clock.run(coro)

    def run_for(self, seconds):
        self.clock.run_for(seconds)

    def ask(self, action, params=None, **options):
        """Have the CSMS call the station, and let happen what follows at once."""
        answer = self.run(self.client.ask(action, params or {}, **options))
        self.run_for(LATENCY * 20)
        return answer

    def status_of(self, action, params=None):
        """Give the status of the answer to a command."""
        return self.ask(action, params)["status"]

    def forget(self):
        """Look only at what is sent from now on."""
        self.client.calls.clear()
        self.client.times.clear()

    def sent(self, action=None):
        """The payloads that the station sent, of an action; without one, the actions in order."""
        if action is None:
            return [name for name, _ in self.client.calls]
        return [params for name, params in self.client.calls if name == action]

    def charge(self, number=1):
        """Plug in and begin; returns the transaction."""
        self.run(self.station.plug_in(number))
        return self.run(self.station.begin(number))

    def statuses(self):
        """The statuses that were reported, by connector."""
        if self.is_16:
            return [(one["connectorId"], one["status"]) for one in self.sent("StatusNotification")]
        return [(one["evseId"], one["connectorStatus"]) for one in self.sent("StatusNotification")]

    def events(self):
        """What was reported of transactions, in a few words."""
        if self.is_16:
            return [
                action for action in self.sent() if action in ("StartTransaction", "StopTransaction", "MeterValues")
            ]
        return [f"{one['eventType']} {one['triggerReason']}" for one in self.sent("TransactionEvent")]


def no_answer():
    """What a call raises that nobody answers."""
    return CallTimeout("no answer", sent=True)


def boots(*statuses, interval=60):
    """Answer one BootNotification after the other, the last of these ever after."""
    left = list(statuses)
    return lambda _: {**ACCEPTED, "interval": interval, "status": left.pop(0) if len(left) > 1 else left[0]}


def remote_start(lab):
    if lab.is_16:
        return "RemoteStartTransaction", {"idTag": "T"}
    return "RequestStartTransaction", {"idToken": {"idToken": "T", "type": "Central"}, "remoteStartId": 1}
