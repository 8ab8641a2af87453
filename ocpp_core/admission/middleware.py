"""Middleware of the application around the steps that authenticate a station.

A middleware is a step that encloses all later ones: the host runs it, and it runs them with `await proceed()`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.errors import OCPPError
from ocpp_core.inputs import Reject
from ocpp_core.websocket.headers import OWN_IN_RESPONSE, expect_header, expect_refusal_status

from .handshake import Handshake
from .step import Ask, Candidate, Cause, refuse

__all__ = ["AskMiddleware", "ConnectionContext", "ConnectionMiddleware", "HandshakeRejectedError"]


class HandshakeRejectedError(OCPPError):
    """The handshake of a station was rejected, with this HTTP response.

    `await proceed()` raises it in a connection middleware if a later step has rejected the station. Raised by any
    function that decides on a handshake, it rejects the station.

    Args:
        status: The HTTP status, 400 to 599.
        message: The text of the body.
        headers: Further header fields. A 401 without `WWW-Authenticate` gets the challenge for Basic credentials, a 503
            without `Retry-After` gets 10 seconds.

    Raises:
        ValueError: The status is not 400 to 599, or a header is malformed or written by the server itself.
        TypeError: The headers are not a mapping of str to str.
    """

    answer: Reject = refuse(403, "Forbidden")
    """The response that the station gets. A subclass that does not call `__init__` rejects with 403."""

    def __init__(
        self, status: int = 403, message: str = "Forbidden", *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.answer = _answer(status, message, headers or {})
        super().__init__(status, self.message)

    def __str__(self) -> str:
        return f"rejected with {self.status}: {self.message}"

    @property
    def status(self) -> int:
        """The HTTP status, 400 to 599."""
        return self.answer.status

    @property
    def message(self) -> str:
        """The text of the body."""
        return self.answer.body

    @property
    def headers(self) -> dict[str, str]:
        """The header fields, without those that every response has."""
        return dict(self.answer.headers)


class ConnectionContext:
    """The handshake of one station, as connection middleware sees it."""

    __slots__ = ("_candidate", "_rejection")

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._rejection: Reject | None = None

    def __repr__(self) -> str:
        return f"<ConnectionContext {self.handshake.identity!r}>"

    @property
    def handshake(self) -> Handshake:
        """The request of the station. Nothing in it is proven before `proceed` has returned."""
        return self._candidate.handshake

    @property
    def protocol(self) -> str | None:
        """The subprotocol of the connection; `auth` may choose another one."""
        return self._candidate.protocol

    @property
    def session(self) -> dict[str, Any]:
        """The first values of `client.session`; add to them before or after `proceed`."""
        return self._candidate.session

    def reject(
        self, status: int = 403, message: str = "Forbidden", *, headers: Mapping[str, str] | None = None
    ) -> NoReturn:
        """Reject the handshake: raise `HandshakeRejectedError`, with these arguments.

        The station stays rejected even if the middleware catches that; of several rejections the latest one is sent.

        Args:
            status: The HTTP status, 400 to 599.
            message: The text of the body.
            headers: Further header fields.

        Raises:
            HandshakeRejectedError: Always, unless an argument is wrong.
            ValueError: The status is not 400 to 599, or a header is malformed or written by the server itself.
            TypeError: The headers are not a mapping of str to str.
        """
        rejected = HandshakeRejectedError(status, message, headers=headers)
        self._rejection = rejected.answer
        self._candidate.cause = self._candidate.cause or Cause.by_application(status, "rejected by middleware")
        raise rejected


ConnectionMiddleware: TypeAlias = "Callable[[ConnectionContext, Callable[[], Awaitable[None]]], Awaitable[None]]"
"""`async (ctx, proceed) -> None`: `await proceed()` runs the rest of the admission of one station.

`proceed` returns None if the rest accepts the station, and raises `HandshakeRejectedError` if it rejects the station.
"""


@dataclass(frozen=True, slots=True)
class AskMiddleware:
    """The step that lets one middleware run all later steps."""

    middleware: ConnectionMiddleware

    def __call__(self, candidate: Candidate) -> Ask | None:
        """Return the question, unless the WebSocket will be closed immediately: then there is nothing to decide."""
        if candidate.protocol is None:
            return None
        context = ConnectionContext(candidate)
        enclosed = _Enclosed(context, self.middleware)
        return Ask(
            "connection_middleware",
            self.middleware,
            (context,),
            enclosed.outcome,
            enclosed.stands,
            encloses=enclosed,
        )


class _Enclosed:
    """The steps behind one middleware. Only their own end can accept a station; they run once, and not after it."""

    __slots__ = ("_context", "_has_passed", "_middleware", "_obstacle")

    def __init__(self, context: ConnectionContext, middleware: ConnectionMiddleware) -> None:
        self._context = context
        self._middleware = middleware
        self._has_passed = False
        self._obstacle = ""  # why the steps must not run

    def begin(self) -> None:
        if self._obstacle:
            raise RuntimeError(f"cannot proceed: {self._obstacle}")
        self._obstacle = "this handshake has proceeded already"

    def end(self, refusal: Reject | None) -> None:
        if refusal is not None:
            self._context._rejection = refusal
            raise HandshakeRejectedError(refusal.status, refusal.body, headers=dict(refusal.headers))
        self._has_passed = True

    def outcome(self, _: object) -> Reject | None:
        """Return the refusal that stands. Raises RuntimeError if the middleware has decided nothing."""
        rejection = self.stands()
        if rejection is None and not self._has_passed:
            name = getattr(self._middleware, "__qualname__", type(self._middleware).__qualname__)
            raise RuntimeError(f"expected middleware {name} to await proceed(), or to call ctx.reject()")
        return rejection

    def stands(self) -> Reject | None:
        """Return the refusal that stands at the end of the middleware."""
        self._obstacle = self._obstacle or "the middleware has ended"
        return self._context._rejection


def _answer(status: int, message: str, headers: Mapping[str, str]) -> Reject:
    expect_refusal_status(status)
    if not isinstance(headers, Mapping) or not all(isinstance(part, str) for pair in headers.items() for part in pair):
        raise TypeError("expected headers as a mapping of str to str")
    for name, value in headers.items():
        expect_header(name, value, OWN_IN_RESPONSE)
    default = refuse(status, str(message).encode(errors="replace").decode())
    own = {name.lower() for name in headers}
    fields = [*headers.items(), *(field for field in default.headers if field[0] not in own)]
    return Reject(status, tuple(fields), default.body)
