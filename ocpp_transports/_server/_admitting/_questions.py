"""The host's part of admission: call what a step asks for, await it if needed, and contain its exceptions.

The steps and their order are in `ocpp_core.admission`.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from ocpp_core.admission.middleware import HandshakeRejectedError
from ocpp_core.admission.step import Ask, Candidate, Cause, Enclosed, Verdict, refuse
from ocpp_core.inputs import Reject
from ocpp_transports._callbacks._containment import is_cancellation
from ocpp_transports._handlers._table import is_coroutine_function

__all__ = ["Decision", "Failed", "InThread", "Questions"]

Decision: TypeAlias = Reject | None
"""None accepts the candidate as the steps have left it."""

InThread: TypeAlias = Callable[[Ask], Awaitable[Any]]
"""Calls the function of a question in a thread, and returns its result."""

Failed: TypeAlias = Callable[[str, BaseException], None]
"""Called with a description of the application's mistake, and with its exception."""


class Questions:
    """Asks the application the questions of one handshake's steps, until they have decided.

    `proceed` runs the remaining steps of the candidate; `failed` is called for the application's mistakes; `in_thread`
    calls plain functions that may block. Only a cancellation is ever raised here.
    """

    __slots__ = ("_candidate", "_failed", "_in_thread", "_proceed")

    def __init__(
        self, candidate: Candidate, proceed: Callable[[], Verdict], failed: Failed, in_thread: InThread
    ) -> None:
        self._candidate = candidate
        self._proceed = proceed
        self._failed = failed
        self._in_thread = in_thread

    def begin(self, verdict: Verdict) -> Decision | Callable[[], Awaitable[Decision]]:
        """Decide at once, or return a function to call and await in a task.

        The latter is needed if a function of the application has to be awaited.

        Coroutine functions are called in the task: one that is cancelled before it begins leaves no coroutine behind.
        """
        while isinstance(verdict, Ask):
            if verdict.may_block or verdict.encloses is not None or is_coroutine_function(verdict.function):
                return partial(self._finish, verdict)
            answer = self._call(verdict)
            if isinstance(answer, Awaitable):
                return partial(self._finish_pending, verdict, answer)
            verdict = answer
        return verdict

    async def _finish_pending(self, ask: Ask, pending: Awaitable[Any]) -> Decision:
        return await self._finish(await self._wait(ask, pending))

    async def _finish(self, verdict: Verdict) -> Decision:
        while isinstance(verdict, Ask):
            answer = self._call(verdict)
            verdict = await self._wait(verdict, answer) if isinstance(answer, Awaitable) else answer
        return verdict

    def _call(self, ask: Ask) -> Awaitable[Any] | Verdict:
        """Return an awaitable, or the next outcome."""
        try:
            blocks = ask.may_block and not is_coroutine_function(ask.function)
            arguments = ask.arguments
            if ask.encloses is not None:
                arguments = (*arguments, partial(self._enclosed, ask.encloses))
            answer = self._in_thread(ask) if blocks else ask.function(*arguments)
            is_awaitable = isinstance(answer, Awaitable)
        except BaseException as error:  # the application's own code; the station learns nothing of it
            return self._broke(ask, f"{ask.name} raised", error)
        return answer if is_awaitable else self._answered(ask, answer)

    async def _enclosed(self, steps: Enclosed) -> None:
        """Run the remaining steps for a middleware."""
        steps.begin()
        steps.end(await self._finish(self._proceed()))

    async def _wait(self, ask: Ask, pending: Awaitable[Any]) -> Verdict:
        try:
            answer = await pending
        except BaseException as error:
            return self._broke(ask, f"{ask.name} raised", error)
        return self._answered(ask, answer)

    def _answered(self, ask: Ask, answer: object) -> Verdict:
        try:
            verdict = ask.then(answer)
        except BaseException as error:  # the answer has the wrong type, or raises when it is read
            return self._broke(ask, f"{ask.name} returned an invalid answer", error)
        return self._proceed() if verdict is None else verdict

    def _broke(self, ask: Ask, what: str, error: BaseException) -> Reject:
        """Reject a station because the application's code raised; a cancellation of the task is raised again."""
        if is_cancellation(error):
            raise error
        stands, rejection = ask.stands(), _rejection_in(error)
        if rejection is not None:
            self._note(Cause.by_application(rejection.status, f"{ask.name} raised HandshakeRejectedError"))
            return rejection
        self._failed(what, error)
        self._note(Cause("decision_failed"))
        return stands or refuse(500, "Internal Server Error")

    def _note(self, cause: Cause) -> None:
        """Set the cause of a refusal, unless the step that refused has set it."""
        self._candidate.cause = self._candidate.cause or cause


def _rejection_in(error: BaseException) -> Reject | None:
    """Return the rejection that was raised, perhaps through task groups; None if anything else was raised too."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error.answer if isinstance(error, HandshakeRejectedError) else None
