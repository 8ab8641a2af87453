"""The context of a request, for a handler that is a plain function in a thread."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic

import anyio

from ocpp_core.typed.message import Message
from ocpp_transports._handlers._contexts import HandlerContext, MessageT_co, RequestContext, Signal
from ocpp_transports._handlers._models import ForeignModel, WireModel

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for type checkers only: typing's has no default before Python 3.13
else:
    from typing import TypeVar

from ._threads._bridge import Bridge, expect_max_wait

__all__ = ["BlockingHandlerContext", "BlockingSignal"]

if TYPE_CHECKING:
    BlockingPeerT_co = TypeVar("BlockingPeerT_co", default=Any, covariant=True)
    _RequestT = TypeVar("_RequestT", bound=Mapping[str, Any])
    _ResponseT = TypeVar("_ResponseT", bound=Mapping[str, Any])
else:
    BlockingPeerT_co = TypeVar("BlockingPeerT_co", covariant=True)


class BlockingSignal:
    """An event that happens once; truthy after it has happened."""

    __slots__ = ("_bridge", "_wrapped")

    def __init__(self, wrapped: Signal, bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge

    def __bool__(self) -> bool:
        return self._wrapped.is_set()

    def __repr__(self) -> str:
        return repr(self._wrapped)

    def is_set(self) -> bool:
        """Return True if it has happened."""
        return self._wrapped.is_set()

    def wait(self, max_wait: float) -> bool:
        """Wait until it has happened, at most `max_wait` seconds; return True if it has.

        Raises ValueError for a negative time.
        """
        expect_max_wait(max_wait)
        if not self._wrapped.is_set():
            self._bridge.run(self._wait, max_wait)
        return self._wrapped.is_set()

    async def _wait(self, max_wait: float) -> None:
        with anyio.move_on_after(max_wait):
            await self._wrapped.wait()


class BlockingHandlerContext(RequestContext, Generic[MessageT_co, BlockingPeerT_co]):
    """A request as a handler in a thread sees it; see `HandlerContext`. Any thread may use it, at any time.

    `BlockingHandlerContext[v16.Reset, BlockingClient]` types `params`, `reply` and `client`.
    """

    __slots__ = ("_bridge", "_wrapped", "action")

    def __init__(self, wrapped: HandlerContext[Any, Any], bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge
        self.action: str = wrapped.action
        """The name of the OCPP action."""

    def __repr__(self) -> str:
        return f"<BlockingHandlerContext {self.action} {self.message_id}>"

    @property
    def params(self: "BlockingHandlerContext[Message[_RequestT, Any], Any]") -> "_RequestT":
        """The payload of the request."""
        params: _RequestT = self._wrapped.params
        return params

    @property
    def client(self) -> BlockingPeerT_co:
        """The blocking handle on the station that sent the request, or the client that received it."""
        client: BlockingPeerT_co = self._bridge.present(self._wrapped.client)
        return client

    @property
    def request(self) -> int:
        """The engine's number of the request."""
        return self._wrapped.request

    @property
    def message_id(self) -> str:
        """The message id of the CALL or SEND."""
        return self._wrapped.message_id

    @property
    def received_at(self) -> float:
        """When the message was received, in seconds of the event loop's clock; it may have been held since then."""
        return self._wrapped.received_at

    @property
    def expects_reply(self) -> bool:
        """False for a SEND, which has no response."""
        return self._wrapped.expects_reply

    @property
    def protocol(self) -> str | None:
        """The subprotocol of the connection, e.g. `ocpp2.0.1`."""
        return self._wrapped.protocol

    @property
    def is_answered(self) -> bool:
        """True once its one response was sent."""
        return self._wrapped.is_answered

    @property
    def is_gone(self) -> bool:
        """True once the peer no longer waits for a response."""
        return self._wrapped.is_gone

    @property
    def disconnected(self) -> BlockingSignal:
        """Set when the connection is lost or closed: the peer no longer waits for the response."""
        return BlockingSignal(self._bridge.run(lambda: self._wrapped.disconnected), self._bridge)

    def reply(
        self: "BlockingHandlerContext[Message[Any, _ResponseT], Any]",
        payload: "_ResponseT | WireModel[_ResponseT] | ForeignModel",
    ) -> None:
        """Respond with a CALLRESULT, now or (after the handler returned NOREPLY) later.

        Args:
            payload: A dict, or a model of this response.

        Raises:
            TypeError: The payload is anything else.
            RuntimeError: The request was answered, was abandoned because too many wait for a response, or is a SEND.
            ConnectionLostError: The connection has ended.
        """
        self._bridge.run(self._wrapped.reply, payload)

    def fail(self, code: str, description: str = "", details: dict[str, Any] | None = None) -> None:
        """Respond with a CALLERROR, now or (after the handler returned NOREPLY) later; raises the errors of `reply`.

        Args:
            code: The error code in any version's spelling, or a custom one.
            description: The errorDescription.
            details: The errorDetails; None for an empty object.
        """
        self._bridge.run(self._wrapped.fail, code, description, details)
