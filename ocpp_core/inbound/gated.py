"""The two directions of a connection whose station must register: `SessionConfig.require_registration`.

They are subclasses, so that the check costs nothing where registration is not required.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ocpp_core.actions import (
    Direction,
    RegistrationChanged,
    RegistrationStatus,
    Report,
    ReportKind,
    SessionAction,
    Trace,
)
from ocpp_core.config import IdFactory, SessionConfig
from ocpp_core.errors import RegistrationRequiredError
from ocpp_core.inputs import Reply
from ocpp_core.limits import Bucket
from ocpp_core.messages import Frame, decode
from ocpp_core.outbound.call import OutboundCall, expired_error
from ocpp_core.outbound.calls import Calls
from ocpp_core.versions import ErrorCode, Version

from .answers import Answers
from .registration import BOOT, RegistrationGate, status_in
from .requests import Requests

__all__ = ["gated"]

_NO_TIME: Final = 1 << 53
"""Seconds beyond which an interval is none: whole numbers from here on may not fit into a float."""


def gated(
    version: Version,
    config: SessionConfig,
    ids: IdFactory,
    numbers: Iterator[int],
    emit: Callable[[SessionAction], None],
    send: Callable[[str], None],
    answers: Answers | None,
    shared: Bucket | None,
) -> tuple[Calls, Requests]:
    """Return the outbound and the inbound direction of a new connection.

    The arguments are those of `Calls` and of `Requests`.
    """
    gate = RegistrationGate()
    calls = GatedCalls(gate, version, config, ids, emit, send)
    return calls, GatedRequests(gate, version, config, numbers, emit, send, calls, answers, shared)


class GatedCalls(Calls):
    """The outbound direction: a call that is not allowed yet stays in the queue, or is refused."""

    __slots__ = ("_gate",)

    def __init__(
        self,
        gate: RegistrationGate,
        version: Version,
        config: SessionConfig,
        ids: IdFactory,
        emit: Callable[[SessionAction], None],
        send: Callable[[str], None],
    ) -> None:
        super().__init__(version, config, ids, emit, send, None)
        self._gate = gate

    def add(self, call: OutboundCall, now: float) -> None:
        """Write a call if the window and the registration allow it, else queue or refuse it."""
        gate, config = self._gate, self.config
        if gate.is_open:
            super().add(call, now)
            return
        self._check(call)
        is_permitted = gate.permits(call.action)
        if call.expires <= now:
            self._fail(call, expired_error(call))
        elif call.validate and config.check_sent_call is not None and (error := self._refusal(call)):
            self._fail(call, error)
        elif not is_permitted and config.refuse_before_registration:
            self._fail(call, _not_yet(call.action, gate.status))
        elif is_permitted and self.is_open and len(self._pending) < config.call_concurrency:
            self._write(call, now)
        else:
            self._queue(call)

    def fill_window(self, now: float) -> None:
        """Write the queued calls that are allowed, as far as the window allows."""
        gate = self._gate
        if gate.is_open:
            super().fill_window(now)
            return
        while self.is_open and len(self._pending) < self.config.call_concurrency:
            allowed = next((call for call in self._waiting.calls if gate.permits(call.action)), None)
            if allowed is None:
                return
            self._waiting.remove(allowed)
            self._write_waiting(allowed, now)

    def _write(self, call: OutboundCall, now: float) -> None:
        super()._write(call, now)
        if not self._gate.is_open:
            self._gate.sent(call.action, call.payload)


def _not_yet(action: str, status: RegistrationStatus | None) -> RegistrationRequiredError:
    state = "has not sent a BootNotification" if status is None else f"was answered {status}"
    return RegistrationRequiredError(f"cannot call {action}: the station {state}; wait until it is registered")


class GatedRequests(Requests):
    """The inbound direction: CALLs that are not allowed yet are refused."""

    __slots__ = ("_calls", "_gate", "_has_answered_boot", "_is_reported")

    def __init__(
        self,
        gate: RegistrationGate,
        version: Version,
        config: SessionConfig,
        numbers: Iterator[int],
        emit: Callable[[SessionAction], None],
        send: Callable[[str], None],
        calls: Calls,
        answers: Answers | None,
        shared: Bucket | None,
    ) -> None:
        super().__init__(version, config, numbers, emit, send, calls, answers, shared)
        self._calls = calls
        self._gate = gate
        self._is_reported = False  # that the station sends CALLs without a BootNotification
        self._has_answered_boot = False

    def on_call(self, frame: Frame, text: str, now: float) -> bool | None:
        """Handle a CALL, or refuse it with SecurityError; return True if it ends the connection."""
        if self._gate.admits(frame[2]):
            return super().on_call(frame, text, now)
        self._count(frame, now)
        self._report(frame, "a CALL before the BootNotification was accepted")
        self.refuse(frame[1], ErrorCode.SECURITY_ERROR, "the station is not registered", action=frame[2])
        if self._gate.status is None and not self._is_reported and not self._is_booting:
            self._is_reported = True
            self._emit(RegistrationChanged(None))
        return self.is_too_fast

    def on_send(self, frame: Frame, text: str, now: float) -> str | None:
        """Handle a SEND, or drop it: it must never be answered (2.1 Part 4 §4.2.4)."""
        if self._gate.admits(frame[2]):
            return super().on_send(frame, text, now)
        self._count(frame, now)
        self._report(frame, "a SEND before the BootNotification was accepted")
        return None

    def _report(self, frame: Frame, detail: str) -> None:
        if self.config.trace:
            self._emit(Trace(Direction.IN, frame, frame[2]))
        self._emit(Report(ReportKind.NOT_REGISTERED, detail, frame[1], frame, action=frame[2]))

    @property
    def _is_booting(self) -> bool:
        in_progress = *self._open.values(), *(self._awaited or {}).values()
        return any(request.action == BOOT for request in in_progress)

    def reply(self, reply: Reply, now: float) -> None:
        """Send a CALLRESULT; that of a BootNotification decides what is allowed from then on."""
        request = self._open.get(reply.request)
        if request is None or request.action != BOOT:
            super().reply(reply, now)
            return
        self._has_answered_boot = True
        super().reply(reply, now)
        if self._has_answered_boot:
            self._follow(reply.payload, now)

    def _answer_again(self, answer: str, action: str, latency: float, now: float) -> None:
        super()._answer_again(answer, action, latency, now)
        if action == BOOT and isinstance(frame := decode(answer, self._version.message_types), list):
            self._follow(frame[2], now)  # the handler may have responded after the end of an earlier connection

    def _follow(self, response: Mapping[str, Any], now: float) -> None:
        """Allow what the response to a BootNotification allows."""
        status = status_in(response)
        if status is not None:
            self._gate.answered(status)
            self._emit(RegistrationChanged(status, _interval_in(response)))
            self._calls.fill_window(now)

    def _own_fault(self, *args: Any) -> None:
        self._has_answered_boot = False  # the station gets an InternalError instead
        super()._own_fault(*args)

    def register(self, now: float) -> None:
        """Treat the station as registered, unless the response to its BootNotification will decide."""
        if not self._is_booting:
            self._gate.answered("Accepted")
            self._emit(RegistrationChanged("Accepted", is_assumed=True))
            self._calls.fill_window(now)


def _interval_in(payload: Mapping[str, Any]) -> float | None:
    interval = payload.get("interval")
    if isinstance(interval, bool) or not isinstance(interval, (int, float)) or not 0 <= interval < _NO_TIME:
        return None
    return float(interval)
