"""The registration of a station: its state on one connection, and what the server does if no BootNotification arrives.

The engine decides which messages pass (`ocpp_core.inbound.registration`). This file adds time and memory. A station
that registered on an earlier connection need not boot again (OCPP-J §5.4), so the server remembers it. From any other
one the server waits for a BootNotification, asks for it with TriggerMessage, and finally lets the station in. Many
stations reconnect without booting, for example after a restart of the server. TriggerMessage is optional in OCPP 1.6,
and a station of OCPP 2.x that was accepted before must reject it (Part 2, F06.FR.17).

A station whose last response was Pending or Rejected is not let in: it has to send another BootNotification (OCPP 1.6
§4.2; OCPP 2.x Part 2, B02 and B03), and must not get past the decision of the application with a reconnect.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Final, TypeVar

from ocpp_core.actions import RegistrationChanged, RegistrationStatus
from ocpp_core.errors import (
    ConnectionLostError,
    OCPPError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.inputs import Command, Register, StartCall
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Completion, Handle, complete
from ocpp_transports.events import RegistrationEvent

__all__ = ["QuietRegistration", "RegistrationMemory", "StationRegistration"]

ValueT = TypeVar("ValueT")

_MOST: Final = 100_000
_BOOT: Final = {"requestedMessage": "BootNotification"}


class RegistrationMemory:
    """Which stations a server has registered, with the interval of each, and which ones it did not accept.

    Bounded: beyond `most` registered stations, the one that registered longest ago is forgotten, and must boot again.
    As many others are remembered beside them, so that they cannot displace these.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._intervals: dict[str, float | None] = {}
        self._refused: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._intervals

    def interval_of(self, name: str) -> float | None:
        """Return the interval of a station; None if it is not known."""
        return self._intervals.get(name)

    def add(self, name: str, interval: float | None) -> None:
        """Remember a station as registered."""
        self._refused.pop(name, None)
        self._put(self._intervals, name, interval)

    def refuse(self, name: str) -> None:
        """Remember a station as not accepted."""
        self._intervals.pop(name, None)
        self._put(self._refused, name, None)

    def has_refused(self, name: str) -> bool:
        """Return True if the last response to this station did not accept it."""
        return name in self._refused

    def _put(self, memory: dict[str, ValueT], name: str, value: ValueT) -> None:
        memory.pop(name, None)
        memory[name] = value
        if len(memory) > self._most:
            del memory[next(iter(memory))]


class StationRegistration:
    """The registration of a station on one connection.

    `name` is that of the station in `stations`; `wait` are the seconds to wait for a BootNotification before the
    server asks for it, and again before it lets the station in; `inf` for ever. `changed` is called with each change.
    """

    def __init__(
        self,
        name: str,
        stations: RegistrationMemory,
        driver: Driver[Command],
        wait: float,
        changed: Callable[[RegistrationEvent], None],
    ) -> None:
        self.status: RegistrationStatus | None = None
        self.interval: float | None = None
        self._name = name
        self._stations = stations
        self._driver = driver
        self._wait = wait
        self._changed = changed
        self._timer: Handle | None = None
        self._has_asked = False
        self._has_ended = False
        self._waiters: list[Completion[OCPPError | None]] = []

    @property
    def is_accepted(self) -> bool:
        """True if the station is registered."""
        return self.status == "Accepted"

    def begin(self) -> None:
        """Let a known station in, and wait for the BootNotification of any other one."""
        if self._name in self._stations:
            self._driver.feed(Register())
        else:
            self._later(self._ask)

    def update(self, change: RegistrationChanged) -> None:
        """Follow the engine."""
        if change.status is None:
            self._ask()
            return
        self._disarm()
        self.status = change.status
        self.interval = self._stations.interval_of(self._name) if change.is_assumed else change.interval
        if self.is_accepted:
            self._stations.add(self._name, self.interval)
            self._release(None)
        else:
            self._stations.refuse(self._name)
        self._changed(RegistrationEvent(change.status, self.interval, is_assumed=change.is_assumed))

    async def wait(self, timeout: float) -> None:
        """Wait until the station is registered; raise TimeoutError, or ConnectionLostError at the end."""
        if self.is_accepted:
            return
        runtime = self._driver.runtime
        completion: Completion[OCPPError | None] = runtime.completion()
        late = TimeoutError(f"the station was not registered within {timeout:.15g} s")
        timer = (
            None if timeout == inf else runtime.call_at(runtime.now() + timeout, partial(complete, completion, late))
        )
        self._waiters.append(completion)
        try:
            failure = await completion
        finally:
            if timer is not None:
                timer.cancel()
            if completion in self._waiters:
                self._waiters.remove(completion)
        if failure is not None:
            raise failure

    def end(self) -> None:
        """Stop, because the connection has ended."""
        self._has_ended = True
        self._disarm()
        self._release(ConnectionLostError("the connection ended before the station was registered", sent=False))

    def _release(self, failure: OCPPError | None) -> None:
        waiters, self._waiters = self._waiters, []
        for completion in waiters:
            complete(completion, failure)

    # A station that does not boot

    def _later(self, fn: Callable[[], None]) -> None:
        self._disarm()
        if self._wait != inf:
            runtime = self._driver.runtime
            self._timer = runtime.call_at(runtime.now() + self._wait, fn)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ask(self) -> None:
        """Ask for the BootNotification, once; a station that was not accepted sends another one by itself."""
        if self._wait == inf or self._has_asked or self._stations.has_refused(self._name):
            return
        self._has_asked = True
        self._disarm()
        self._driver.runtime.spawn(self._trigger())

    async def _trigger(self) -> None:
        try:
            result: dict[str, Any] = await self._driver.ask(self._trigger_message)
            is_coming = result.get("status") == "Accepted"
        except OCPPError:
            is_coming = False
        if self.status is not None or self._has_ended:
            return
        if is_coming:
            self._later(self._let_in)
        else:
            self._let_in()

    def _trigger_message(self, token: int) -> StartCall:
        return StartCall(token, "TriggerMessage", _BOOT, timeout=self._wait, ttl=self._wait, urgent=True)

    def _let_in(self) -> None:
        """Let the station in, unless it is booting: then the response decides, and it is checked again later."""
        self._later(self._let_in)
        self._driver.feed(Register())


class QuietRegistration(StationRegistration):
    """The registration of a station where it is not required: the server does not ask for it, but waits as long."""

    def _ask(self) -> None:
        if self._wait != inf and not self._stations.has_refused(self._name):
            self._let_in()
