"""Faults on purpose: what a CSMS has to survive, done to the station's answers and calls."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from ocpp_core.actions import Direction
from ocpp_core.errors import (
    RPCError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.messages import MessageType
from ocpp_transports._handlers._table import NOREPLY

from .client import Client
from .clock import Clock
from .messages.log import MessageLog

__all__ = ["KINDS", "TARGETS", "ArmedFault", "FaultInjector"]

KINDS: Final = ("drop", "delay", "malformed", "wrong_type")
TARGETS: Final = ("any", "answer", "call")
_CALL_ID: Final = "faults"


@dataclass(eq=False)
class ArmedFault:
    """A fault that waits for its moment."""

    kind: str
    action: str | None
    """Which messages it meets; None for all."""
    times: int
    """How many it will still meet."""
    seconds: float
    """How long a message is delayed, or how long the station waits for the answer to a call that was spoilt."""
    target: str
    """`answer` for those that the station gives, `call` for the calls it makes, `any` for both."""

    def meets(self, action: str | None, target: str) -> bool:
        """Return True if it is for this message."""
        return self.action in (None, action) and self.target in ("any", target)


class FaultInjector:
    """Arms faults and strikes, by the public means of a client: middleware, no reply, raw texts.

    * `drop`: the message is never sent. A request is obeyed all the same, and its answer withheld; a call of the
      station's ends by a time-out.
    * `delay`: the message is sent later.
    * `malformed`: broken JSON is sent in its place.
    * `wrong_type`: one member of its payload has another JSON type.
    """

    def __init__(self, client: Client, clock: Clock, log: MessageLog) -> None:
        self._client = client
        self._log = log
        self._clock = clock
        self._faults: list[ArmedFault] = []
        self._spoilt = 0
        self._is_used = False

    @property
    def armed(self) -> list[ArmedFault]:
        """The faults that wait for their moment, those that were armed first before the others."""
        return list(self._faults)

    def arm(
        self, kind: str, *, action: str | None = None, times: int = 1, seconds: float = 5.0, target: str = "any"
    ) -> ArmedFault:
        """Have the next `times` messages of an action, or of any, spoilt. Raises ValueError for what makes no sense."""
        if kind not in KINDS or target not in TARGETS:
            raise ValueError(f"expected one of {', '.join(KINDS)} for {', '.join(TARGETS)}, got {kind!r}, {target!r}")
        if times < 1 or not seconds >= 0:
            raise ValueError(f"expected times >= 1 and seconds >= 0, got {times!r} and {seconds!r}")
        if not self._is_used:  # a middleware costs every message something, and cannot be taken back
            self._is_used = True
            self._client.use(self._strike)
        fault = ArmedFault(kind, action, times, seconds, target)
        self._faults.append(fault)
        return fault

    def disarm(self, fault: ArmedFault | None = None) -> None:
        """Take back a fault, or all of them."""
        self._faults = [other for other in self._faults if fault is not None and other is not fault]

    async def send(self, frame: list[Any]) -> ArmedFault | None:
        """Send a SEND or an answer that was written by hand, which no middleware sees, unless a fault meets it.

        Returns the fault that met it, None if it was sent as it is. Raises ConnectionLostError without an open
        connection.
        """
        is_send = frame[0] == MessageType.SEND
        action = frame[2] if is_send else self._log.action_of(frame[1], "in")
        fault = self._find(action, "call" if is_send else "answer")
        if fault is not None and fault.kind == "delay":
            await self._clock.sleep(fault.seconds)
        text = json.dumps(frame)
        if fault is not None and fault.kind == "malformed":
            self._send_broken(text[:-1])
        elif fault is None or fault.kind != "drop":
            is_mistyped = fault is not None and fault.kind == "wrong_type"
            self._client.send_raw(json.dumps([*frame[:-1], mistyped(frame[-1])]) if is_mistyped else text)
        return fault

    def _find(self, action: str | None, target: str) -> ArmedFault | None:
        """Return the first fault that meets a message, and count it."""
        for fault in self._faults:
            if fault.meets(action, target):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None

    async def _strike(self, context: Any, proceed: Callable[[], Awaitable[Any]]) -> Any:
        is_answer = context.direction is Direction.IN
        fault = self._find(context.action, "answer" if is_answer else "call")
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
                self._spoilt += 1
                self._send_broken(f'[2,"{_CALL_ID}-{self._spoilt}","{context.action}",{{')
            await self._clock.sleep(fault.seconds)
            raise TimeoutError(f"{context.action} was spoilt on purpose and has no answer", sent=False)
        return await proceed()

    def _send_broken(self, text: str) -> None:
        self._client.send_raw(text)
        self._log.sent_raw(text)  # of what is no message the client tells nothing


def mistyped(payload: dict[str, Any]) -> dict[str, Any]:
    """Copy a payload with a wrong JSON type in one member; an empty one gets a member that is wrong everywhere."""
    name = next(iter(payload), "customData")
    value = payload.get(name)
    wrong = {"not": "expected"} if isinstance(value, (str, bool, int, float)) else 12345
    return {**payload, name: wrong}
