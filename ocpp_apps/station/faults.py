"""Injected faults in the station's calls and responses, to test how a CSMS handles them."""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from ocpp_core.actions import Direction
from ocpp_core.errors import (
    OCPPError,
    RPCError,
    TimeoutError,  # the library's subclass of the built-in class
)
from ocpp_core.messages import MessageType
from ocpp_transports._handlers._table import NOREPLY

from .client import Client
from .clock import Clock, Task
from .messages.log import MessageLog

__all__ = ["KINDS", "TARGETS", "ArmedFault", "FaultInjector"]

KINDS: Final = ("drop", "delay", "malformed", "wrong_type")
TARGETS: Final = ("any", "answer", "call")
_CALL_ID: Final = "faults"


@dataclass(eq=False)
class ArmedFault:
    """An armed fault, which affects the next matching messages."""

    kind: str
    """`drop`, `delay`, `malformed` or `wrong_type`, see `FaultInjector`."""
    action: str | None
    """Action of the messages that it affects; None for every action."""
    times: int
    """Messages that it will still affect."""
    seconds: float
    """Seconds that a message is delayed, or that the station waits for the response to an altered call."""
    target: str
    """`answer` for the responses of the station, `call` for its calls, `any` for both."""

    def meets(self, action: str | None, target: str) -> bool:
        """Return True if the fault affects this message, an `answer` or a `call`."""
        return self.action in (None, action) and self.target in ("any", target)


class FaultInjector:
    """Arms and injects faults with the public interface of a client: middleware, diverted messages and raw texts.

    * `drop`: the message is never sent. The station still obeys a request, but sends no response. A call of the
      station fails with a timeout.
    * `delay`: the message is sent later.
    * `malformed`: malformed JSON is sent instead.
    * `wrong_type`: one member of its payload has another JSON type.

    A fault affects one transmission of a message in the offline queue. The queue handles the message as sent, and sends
    it again after a timeout or a CALLERROR. What is delayed is lost with its connection.
    """

    def __init__(self, client: Client, clock: Clock, log: MessageLog) -> None:
        self._client = client
        self._log = log
        self._clock = clock
        self._faults: list[ArmedFault] = []
        self._late: dict[str, Task] = {}  # by message ID
        self._spoilt = 0
        self._is_used = False

    @property
    def armed(self) -> list[ArmedFault]:
        """The armed faults, oldest first."""
        return list(self._faults)

    def arm(
        self, kind: str, *, action: str | None = None, times: int = 1, seconds: float = 5.0, target: str = "any"
    ) -> ArmedFault:
        """Arm a fault for the next messages of an action, or of every action.

        Args:
            kind: `drop`, `delay`, `malformed` or `wrong_type`.
            action: The action; None for every action.
            times: The number of messages; >= 1.
            seconds: Seconds that a message is delayed, or that the station waits for the response to an altered call;
                >= 0.
            target: `answer` for the responses of the station, `call` for its calls, `any` for both.

        Raises:
            ValueError: An argument has a value that is not allowed.
        """
        if kind not in KINDS or target not in TARGETS:
            raise ValueError(f"expected one of {', '.join(KINDS)} for {', '.join(TARGETS)}, got {kind!r}, {target!r}")
        if times < 1 or not seconds >= 0:
            raise ValueError(f"expected times >= 1 and seconds >= 0, got {times!r} and {seconds!r}")
        if not self._is_used:  # a middleware costs time for every message and cannot be removed
            self._is_used = True
            self._client.use(self._strike)
            self._client.divert_messages(self._divert)
            self._client.on("disconnect", self._lose_late)
            self._client.on("close", self._lose_late)
        fault = ArmedFault(kind, action, times, seconds, target)
        self._faults.append(fault)
        return fault

    def disarm(self, fault: ArmedFault | None = None) -> None:
        """Disarm a fault, or all of them."""
        self._faults = [other for other in self._faults if fault is not None and other is not fault]

    async def send(self, frame: list[Any]) -> ArmedFault | None:
        """Send a hand-written SEND or response, unless a fault affects it. Middleware does not see it.

        Returns the fault, or None if the text was sent unchanged. Raises ConnectionLostError without an open
        connection.
        """
        is_send = frame[0] == MessageType.SEND
        action = frame[2] if is_send else self._log.action_of(frame[1], "in")
        fault = self._take(action, "call" if is_send else "answer")
        await self._send_spoilt(fault, frame)
        return fault

    async def _send_spoilt(self, fault: ArmedFault | None, frame: list[Any]) -> None:
        kind = None if fault is None else fault.kind
        if fault is not None and kind == "delay":
            await self._clock.sleep(fault.seconds)
        if kind == "malformed":
            self._send_broken(json.dumps(frame)[:-1])
        elif kind == "wrong_type":
            self._client.send_raw(json.dumps([*frame[:-1], mistyped(frame[-1])]))
        elif kind != "drop":
            self._client.send_raw(json.dumps(frame))

    def _divert(self, text: str) -> bool:
        """Let a fault send a message of the queue in its way; return False if none affects it."""
        frame = json.loads(text)
        fault = self._take(frame[2], "call")
        if fault is None:
            return False
        self._late[frame[1]] = self._clock.spawn(self._send_late(fault, frame))
        return True

    async def _send_late(self, fault: ArmedFault, frame: list[Any]) -> None:
        try:
            with suppress(OCPPError):  # the connection closes
                await self._send_spoilt(fault, frame)
        finally:
            self._late.pop(frame[1], None)

    def _lose_late(self, _: object) -> None:
        for task in list(self._late.values()):
            task.cancel()

    def _take(self, action: str | None, target: str) -> ArmedFault | None:
        """Return the first fault that affects a message, and count it."""
        for fault in self._faults:
            if fault.meets(action, target):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None

    async def _strike(self, context: Any, proceed: Callable[[], Awaitable[Any]]) -> Any:
        is_answer = context.direction is Direction.IN
        fault = self._take(context.action, "answer" if is_answer else "call")
        if fault is None:
            return await proceed()
        if is_answer:
            return await self._spoil_answer(fault, context, proceed)
        return await self._spoil_call(fault, context, proceed)

    async def _spoil_answer(self, fault: ArmedFault, context: Any, proceed: Callable[[], Awaitable[Any]]) -> Any:
        if fault.kind == "delay":
            try:
                return await proceed()
            finally:
                await self._clock.sleep(fault.seconds)
        if fault.kind == "wrong_type":
            result = await proceed()
            self._client.send_raw(json.dumps([3, context.message_id, mistyped(result or {})]))
            return NOREPLY
        with suppress(RPCError):  # a CALLERROR is not sent either
            await proceed()
        if fault.kind == "malformed":
            self._send_broken(f'[3,"{context.message_id}",{{"status":')
        return NOREPLY

    async def _spoil_call(self, fault: ArmedFault, context: Any, proceed: Callable[[], Awaitable[Any]]) -> Any:
        if fault.kind == "delay":
            await self._clock.sleep(fault.seconds)
        elif fault.kind == "wrong_type":
            context.params = mistyped(context.params)
            context.options["validate"] = False
        else:
            if fault.kind == "malformed":
                self._send_broken(f'[2,"{self._next_id()}","{context.action}",{{')
            await self._clock.sleep(fault.seconds)
            raise TimeoutError(f"{context.action} has no response: a fault altered it", sent=False)
        return await proceed()

    def _next_id(self) -> str:
        self._spoilt += 1
        return f"{_CALL_ID}-{self._spoilt}"

    def _send_broken(self, text: str) -> None:
        self._client.send_raw(text)
        self._log.sent_raw(text)  # the client emits no event for a text that is not a message


def mistyped(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a payload with a wrong JSON type in one member.

    An empty payload gets a member that no schema allows.
    """
    name = next(iter(payload), "customData")
    value = payload.get(name)
    wrong = {"not": "expected"} if isinstance(value, (str, bool, int, float)) else 12345
    return {**payload, name: wrong}
