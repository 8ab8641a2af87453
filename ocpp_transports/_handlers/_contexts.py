"""The arguments of a handler and a middleware: the request or the call, and its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import field
from types import GenericAlias
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import Direction, Dispatch
from ocpp_core.errors import ConnectionLostError
from ocpp_core.inputs import Fail, Reply
from ocpp_core.typed.message import Message
from ocpp_transports._driver._interfaces import Completion, complete
from ocpp_transports._logging._redaction import safe_repr

from ._caller import ClientT_co
from ._models import ForeignModel, WireModel, response_of

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for type checkers only: typing's has no default before Python 3.13

    MessageT_co = TypeVar(
        "MessageT_co", bound=Message[Any, Any], default=Message[dict[str, Any], dict[str, Any]], covariant=True
    )
    _RequestT = TypeVar("_RequestT", bound=Mapping[str, Any])
    _ResponseT = TypeVar("_ResponseT", bound=Mapping[str, Any])
else:
    from typing import TypeVar

    MessageT_co = TypeVar("MessageT_co", covariant=True)

__all__ = ["CallContext", "HandlerContext", "MessageT_co", "RequestConnection", "RequestContext", "Signal"]


class Signal:
    """An event that happens once; truthy after it has happened."""

    __slots__ = ("_is_set", "_make_completion", "_waiters")

    def __init__(self, make_completion: Callable[[], Completion[None]]) -> None:
        self._make_completion = make_completion
        self._is_set = False
        self._waiters: list[Completion[None]] = []

    def __bool__(self) -> bool:
        return self._is_set

    def __repr__(self) -> str:
        return f"<Signal: {'set' if self._is_set else 'not set'}>"

    def is_set(self) -> bool:
        """Return True if it has happened."""
        return self._is_set

    def set(self) -> None:
        """Mark it as happened. Idempotent."""
        self._is_set = True
        waiters, self._waiters = self._waiters, []
        for completion in waiters:
            complete(completion, None)

    async def wait(self) -> None:
        """Return when it has happened."""
        if self._is_set:
            return
        completion = self._make_completion()
        self._waiters.append(completion)
        try:
            await completion
        finally:
            if completion in self._waiters:
                self._waiters.remove(completion)


@dataclass(slots=True, kw_only=True)
class CallContext(Generic[ClientT_co]):
    """An outbound call or SEND as middleware sees it; changes made before `await proceed()` apply to it."""

    direction: ClassVar[Direction] = Direction.OUT
    """OUT: a middleware tells calls from requests with it."""
    action: str
    """The name of the OCPP action."""
    params: dict[str, Any]
    """The payload of the CALL or SEND."""
    protocol: str | None = None
    """The subprotocol of the connection, None while there is none."""
    client: ClientT_co
    """The server's handle on the station that is called, or the client that calls."""
    options: dict[str, Any] = field(default_factory=dict)
    """The keyword arguments of `call` or `notify`; those that were left out have their defaults."""
    expects_reply: bool = True
    """False for a SEND, which has no response."""

    __repr__ = safe_repr


class RequestConnection(Protocol[ClientT_co]):
    """The connection of a request, as its context needs it: one object for all requests of a connection."""

    @property
    def client(self) -> ClientT_co:
        """The client, or the server's handle on the station, that owns the connection."""

    @property
    def protocol(self) -> str | None:
        """The subprotocol of the connection."""

    @property
    def has_ended(self) -> bool:
        """True once the connection has ended."""

    def answered(self, answer: Reply | Fail) -> None:
        """Send the one response to a request."""

    def expect_here(self) -> None:
        """Raise RuntimeError unless the caller runs in the event loop of the connection."""

    def completion(self) -> Completion[None]:
        """Return a completion that a task can await."""


class RequestContext:
    """The base of the contexts of requests: a parameter that is annotated with a subclass gets the context."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __class_getitem__(cls, arguments: object) -> GenericAlias:
            """Accept one argument or two: without defaults of type variables (PEP 696) `Generic` demands both."""
            return GenericAlias(cls, arguments)


class HandlerContext(RequestContext, Generic[MessageT_co, ClientT_co]):
    """A request as its handler sees it.

    `HandlerContext[v16.Reset]` types `params` and `reply`; a plain one has dicts. `HandlerContext[v16.Reset,
    OCPPClient]` also types `client`; otherwise it has what a client and an `OCPPServerClient` have in common. A handler
    without a message writes `HandlerContext[Any, OCPPServerClient]`.
    """

    direction: ClassVar[Direction] = Direction.IN
    """IN: a middleware tells requests from calls with it."""
    # Described here, not in __init__: a string costs an instruction there, for each message.
    action: str
    """The name of the OCPP action."""
    is_answered: bool
    """True once the one response was sent."""
    is_gone: bool
    """True once the peer no longer waits for a response."""

    def __init__(self, connection: RequestConnection[ClientT_co], action: Dispatch) -> None:
        self._connection = connection
        self._request = action
        self.is_answered = False
        self.is_gone = False
        self._signal: Signal | None = None
        self.action = action.action
        self.params = action.payload

    if TYPE_CHECKING:  # a plain attribute: a property would cost a call for each use

        @property
        def params(self: "HandlerContext[Message[_RequestT, Any], Any]") -> _RequestT:
            """The payload of the request."""

        @params.setter
        def params(self, params: Mapping[str, Any]) -> None: ...

    else:
        __slots__ = (
            "_connection",
            "_request",
            "_signal",
            "action",
            "is_answered",
            "is_gone",
            "params",
        )

    def __repr__(self) -> str:
        return f"<HandlerContext {self.action} {self.message_id}>"

    @property
    def client(self) -> ClientT_co:
        """The server's handle on the station that sent the request, or the client that received it."""
        return self._connection.client

    @property
    def request(self) -> int:
        """The engine's number of the request."""
        return self._request.request

    @property
    def message_id(self) -> str:
        """The message id of the CALL or SEND."""
        return self._request.message_id

    @property
    def received_at(self) -> float:
        """When the message was received, in seconds of the event loop's clock; it may have been held since then."""
        return self._request.received_at

    @property
    def expects_reply(self) -> bool:
        """False for a SEND, which has no response."""
        return self._request.expects_reply

    @property
    def protocol(self) -> str | None:
        """The subprotocol of the connection, e.g. `ocpp2.0.1`."""
        return self._connection.protocol

    @property
    def disconnected(self) -> Signal:
        """Set when the connection is lost or closed: the peer no longer waits for the response."""
        if self._signal is None:
            self._signal = Signal(self._connection.completion)
            if self.is_gone:
                self._signal.set()
        return self._signal

    def reply(
        self: "HandlerContext[Message[Any, _ResponseT], Any]",
        payload: "_ResponseT | WireModel[_ResponseT] | ForeignModel",
    ) -> None:
        """Respond with a CALLRESULT, now or (after the handler returned NOREPLY) later.

        Args:
            payload: A dict, or a model of this response.

        Raises:
            TypeError: The payload is anything else.
            RuntimeError: The request was answered, was abandoned because too many wait for a response, or is a SEND; or
                this is not the thread of the event loop.
            ConnectionLostError: The connection has ended.
        """
        written = response_of(payload, self.action)
        self._check_due()
        self.finish(Reply(self.request, written))

    def fail(self, code: str, description: str = "", details: dict[str, Any] | None = None) -> None:
        """Respond with a CALLERROR, now or (after the handler returned NOREPLY) later.

        It raises the errors of `reply`.

        Args:
            code: The error code in any version's spelling, or a custom one.
            description: The errorDescription.
            details: The errorDetails; None for an empty object.
        """
        if not isinstance(code, str) or not isinstance(description, str):
            raise TypeError("expected an error code and a description, each a str")
        self._check_due()
        self.finish(Fail(self.request, str(code), description, details))

    def _check_due(self) -> None:
        self._connection.expect_here()
        if self.is_gone and self._connection.has_ended:
            raise ConnectionLostError(f"cannot answer {self.action}: its connection has ended", sent=False)
        if self.is_gone:
            raise RuntimeError(f"cannot answer {self.action}: it was abandoned, too many requests wait after NOREPLY")
        if not self.expects_reply:
            raise RuntimeError(f"cannot answer {self.action}: it is a SEND, which has no response")
        if self.is_answered:
            raise RuntimeError(f"cannot answer {self.action}: it has been answered already")

    @property
    def is_over(self) -> bool:
        """True if the request was answered, or the peer no longer waits for a response."""
        return self.is_answered or self.is_gone

    @property
    def is_late(self) -> bool:
        """True if the connection ended before there was a response."""
        return self.is_gone and not self.is_answered

    def finish(self, answer: Reply | Fail) -> None:
        """Send the one response."""
        self.is_answered = True
        self._connection.answered(answer)

    def abandon(self) -> None:
        """Note that the peer no longer waits for a response."""
        self.is_gone = True
        if self._signal is not None:
            self._signal.set()
