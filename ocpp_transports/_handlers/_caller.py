"""The operations that a connection offers to its handlers and middleware: the type of `ctx.client`."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypedDict, Unpack, overload

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for type checkers only: typing's has no default before Python 3.13

    from ocpp_transports.events import CloseEvent
else:
    from typing import TypeVar

__all__ = ["CallKeywords", "CallMethod", "Caller", "Check", "ClientT_co", "Params"]

Params: TypeAlias = Mapping[str, Any]

Check: TypeAlias = Callable[[dict[str, Any]], object]
"""A function or coroutine function that raises an `RPCError` if the application cannot use a CALLRESULT."""


class CallKeywords(TypedDict, total=False):
    """The keyword arguments of `call`; see `CallOptions`."""

    timeout: float | None
    ttl: float | None
    message_id: str | None
    validate: bool
    retries: int
    retry_delay: float
    retry_max_delay: float
    custom: bool
    check: Check | None


_ResultT_co = TypeVar("_ResultT_co", covariant=True)


class CallMethod(Protocol[_ResultT_co]):
    """`call(action, params)`, or `call(protocol, action, params)` for a call that is valid in one version only."""

    @overload
    async def __call__(self, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]) -> _ResultT_co: ...
    @overload
    async def __call__(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> _ResultT_co: ...


class Caller(Protocol):
    """The operations that a client and an `OCPPServerClient` both offer to their handlers; see `Peer` for each method.

    `HandlerContext[OCPPServerClient]` offers everything that a server's handle on a station does, and so on.
    """

    @property
    def identity(self) -> str:
        """The identity of the station."""

    @property
    def protocol(self) -> str | None:
        """The negotiated subprotocol."""

    @property
    def call(self) -> CallMethod[dict[str, Any]]:
        """Call the peer."""

    @property
    def call_immediate(self) -> CallMethod[dict[str, Any]]:
        """Call ahead of the queued calls."""

    @property
    def safe_call(self) -> CallMethod[dict[str, Any] | None]:
        """Call, and return None instead of raising when the call fails."""

    async def notify(
        self,
        action: str,
        params: Params,
        /,
        *,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
    ) -> None:
        """Send a SEND (OCPP 2.1)."""

    async def close(
        self, code: int = 1000, reason: str = "", *, force: bool = False, await_pending: bool = True
    ) -> "CloseEvent":
        """Close the connection."""


if TYPE_CHECKING:
    ClientT_co = TypeVar("ClientT_co", bound=Caller, default=Caller, covariant=True)
else:
    ClientT_co = TypeVar("ClientT_co", bound=Caller, covariant=True)
