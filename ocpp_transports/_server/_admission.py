"""The host's part of admission: call what a step asks, await it if need be, and contain what it raises.

The steps and their order are in `ocpp_core.admission`.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from ocpp_core.admission.step import Ask, Verdict, refuse
from ocpp_core.inputs import Reject
from ocpp_transports._callbacks._containment import is_cancellation
from ocpp_transports._handlers._table import is_coroutine_function

__all__ = ["Decision", "Failed", "Questions"]

Decision: TypeAlias = Reject | None
"""None accepts the candidate as the steps have left it."""

Failed: TypeAlias = Callable[[str, BaseException], None]
"""Called with what the application did wrong, in words, and with its exception."""


class Questions:
    """Asks the application what the steps of one handshake want to know, until they have decided.

    `proceed` runs the steps that are left, `failed` is called for what the application does wrong. Nothing here raises
    anything but a cancellation.
    """

    __slots__ = ("_failed", "_proceed")

    def __init__(self, proceed: Callable[[], Verdict], failed: Failed) -> None:
        self._proceed = proceed
        self._failed = failed

    def begin(self, verdict: Verdict) -> Decision | Callable[[], Awaitable[Decision]]:
        """Decide at once, or return what is to be called and awaited in a task, if a function has to be awaited.

        Coroutine functions are called in the task: one that is cancelled before it begins leaves no coroutine behind.
        """
        while isinstance(verdict, Ask):
            if is_coroutine_function(verdict.function):
                return partial(self._finish, verdict)
            answer = self._call(verdict)
            if isinstance(answer, Awaitable):
                return partial(self._finish, verdict, answer)
            verdict = answer
        return verdict

    async def _finish(self, ask: Ask, pending: Awaitable[Any] | None = None) -> Decision:
        verdict: Verdict = ask if pending is None else await self._wait(ask, pending)
        while isinstance(verdict, Ask):
            answer = self._call(verdict)
            verdict = await self._wait(verdict, answer) if isinstance(answer, Awaitable) else answer
        return verdict

    def _call(self, ask: Ask) -> Awaitable[Any] | Verdict:
        """Return what has to be awaited, or the next outcome."""
        try:
            answer = ask.function(*ask.arguments)
            is_awaitable = isinstance(answer, Awaitable)
        except BaseException as error:  # the application's own code; the station learns nothing of it
            return self._broke(ask, f"{ask.name} raised", error)
        return answer if is_awaitable else self._answered(ask, answer)

    async def _wait(self, ask: Ask, pending: Awaitable[Any]) -> Verdict:
        try:
            answer = await pending
        except BaseException as error:
            return self._broke(ask, f"{ask.name} raised", error)
        return self._answered(ask, answer)

    def _answered(self, ask: Ask, answer: object) -> Verdict:
        try:
            verdict = ask.then(answer)
        except BaseException as error:  # the answer was not of the kind that was asked for, or raises when it is read
            return self._broke(ask, f"{ask.name} gave no usable answer", error)
        return self._proceed() if verdict is None else verdict

    def _broke(self, ask: Ask, what: str, error: BaseException) -> Reject:
        """Refuse a station for what the application's code raised; a cancellation of the task goes on."""
        if is_cancellation(error):
            raise error
        self._failed(what, error)
        return ask.stands() or refuse(500, "Internal Server Error")
