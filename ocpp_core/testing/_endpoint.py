"""One engine of a laboratory, and the work of its host."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Protocol, TypeAlias, TypeVar

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import Abandon, Action, Dispatch, SendBytes, Settle
from ocpp_core.errors import RPCError
from ocpp_core.inputs import CancelCall, Close, Decline, Fail, Reply, StackInput, StartCall

from ._clock import LabClock

__all__ = ["CallOutcome", "Handler", "LabEndpoint"]

Handler: TypeAlias = Callable[[Dispatch], Mapping[str, Any] | None]
"""A function that answers a request: with a payload, a raised RPCError, or None to send no response now."""

ActionT = TypeVar("ActionT")


class _Stack(Protocol):
    @property
    def deadline(self) -> float: ...
    def handle(self, event: StackInput, now: float) -> None: ...
    def poll(self) -> Action | None: ...


@dataclass(slots=True)
class CallOutcome:
    """The outcome of a command."""

    token: int
    """The number of the command."""
    settled: int = 0
    """How often it settled; more than once would be a fault of the engine."""
    result: Any = None
    """The payload of the CALLRESULT; None without one."""
    error: Exception | None = None
    """The reason of the failure; None on success."""

    def unwrap(self) -> Any:
        """Return the result.

        Raises the error, or AssertionError before the command settled.
        """
        if self.error is not None:
            raise self.error
        assert self.settled, "cannot unwrap: the command is not settled; run the laboratory longer"  # noqa: S101 - a test tool
        return self.result


class LabEndpoint:
    """One engine with a laboratory as its host."""

    def __init__(self, lab: LabClock, engine: _Stack, handlers: Mapping[str, Handler]) -> None:
        self.lab = lab
        """The laboratory that this end belongs to."""
        self.engine = engine
        """The stack of this end."""
        self.handlers = handlers
        """The handlers by action; one that returns None declines to respond."""
        self.actions: list[tuple[float, Action]] = []
        """All actions of the engine except bytes, with their times; empty unless the laboratory records."""
        self.outcomes: dict[int, CallOutcome] = {}
        """The outcomes of the commands by token."""
        self.abandoned: set[int] = set()
        """The numbers of the requests whose connection ended before the response."""
        self.due: float = engine.deadline
        """Time of the engine's next tick, in seconds."""
        self._tokens = count(1)
        self._draining = False

    def feed(self, event: StackInput) -> None:
        """Pass an input to the engine now and perform all its actions."""
        self.engine.handle(event, self.lab.now)
        if self._draining:
            return
        self._draining = True
        try:
            while (action := self.engine.poll()) is not None:
                self._perform(action)
        finally:
            self._draining = False
            self.due = self.engine.deadline

    def call(self, action: str, payload: Mapping[str, Any] | None = None, **options: Any) -> CallOutcome:
        """Start a call.

        Args:
            action: The name of the OCPP action.
            payload: The payload; None for an empty object.
            options: Further fields of `StartCall`.
        """
        outcome = self._outcome()
        self.feed(StartCall(outcome.token, action, payload or {}, **options))
        return outcome

    def command(self, make: Callable[[int], StackInput]) -> CallOutcome:
        """Feed a command that settles a token: `command(Connect)`."""
        outcome = self._outcome()
        self.feed(make(outcome.token))
        return outcome

    def cancel(self, outcome: CallOutcome) -> None:
        """Cancel the call of an outcome."""
        self.feed(CancelCall(outcome.token))

    def close(self, code: int = 1000, reason: str = "", *, drain: bool = True, force: bool = False) -> None:
        """Close the connection.

        Args:
            code: The close code.
            reason: The close reason.
            drain: True to wait for the responses to outstanding CALLs.
            force: True to end the stream without a close handshake.
        """
        self.feed(Close(code, reason, drain, force))

    def seen(self, kind: type[ActionT]) -> list[ActionT]:
        """Return all actions of a type so far, in order."""
        return [action for _, action in self.actions if isinstance(action, kind)]

    def _outcome(self) -> CallOutcome:
        token = next(self._tokens)
        outcome = self.outcomes[token] = CallOutcome(token)
        return outcome

    def _perform(self, action: Action) -> None:
        if type(action) is SendBytes:
            self._send(action.data)
            return
        if self.lab.record:
            self.actions.append((self.lab.now, action))
        if isinstance(action, Settle):
            self._settle(action)
        elif isinstance(action, Dispatch):
            self._dispatch(action)
        elif isinstance(action, Abandon):
            self.abandoned.add(action.request)
        else:
            self._perform_other(action)

    def _send(self, data: bytes) -> None:
        raise NotImplementedError

    def _perform_other(self, action: Action) -> None:
        raise NotImplementedError

    def _settle(self, action: Settle) -> None:
        outcome = self.outcomes[action.token]
        outcome.settled += 1
        outcome.result, outcome.error = action.result, action.error

    def _dispatch(self, request: Dispatch) -> None:
        handler = self.handlers.get(request.action)
        if handler is None:
            self.feed(Fail(request.request, "NotImplemented"))
            return
        try:
            payload = handler(request)
        except RPCError as error:
            self.feed(Fail(request.request, error.code, error.description, error.details))
        else:
            self.feed(Decline(request.request) if payload is None else Reply(request.request, payload))
