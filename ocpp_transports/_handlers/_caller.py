"""The operations that a connection offers to its handlers and middleware: the type of `ctx.client`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Unpack, overload

from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel, ResponseModel

from ._call_keywords import CallKeywords
from ._models import AnyModel

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for type checkers only: typing's has no default before Python 3.13

    from ocpp_transports.events import CloseEvent
else:
    from typing import TypeVar

__all__ = [
    "CallMethod",
    "Caller",
    "ClientT_co",
    "DictCallKeywords",
    "Params",
    "ResultModelT",
    "ResultT",
    "SafeCallMethod",
]

Params: TypeAlias = Mapping[str, Any] | AnyModel
"""The payload of a request: a dict, or a model of which the dict is made."""

ResultT = TypeVar("ResultT", bound=Mapping[str, Any])
"""The type of a CALLRESULT's payload."""
ResultModelT = TypeVar("ResultModelT", bound=ResponseModel[Any])
"""The model of a CALLRESULT's payload."""


DictCallKeywords: TypeAlias = CallKeywords[dict[str, Any]]
"""The keyword arguments of a call without a message: `check` gets a dict."""


class CallMethod(Protocol):
    """`call(message)`, `call(action, params)`, or `call(protocol, action, params)` for one version only."""

    @overload
    async def __call__(
        self, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT: ...
    @overload
    async def __call__(
        self, request: RequestModel[Any, ResultModelT], /, **options: Unpack[DictCallKeywords]
    ) -> ResultModelT: ...
    @overload
    async def __call__(
        self, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    async def __call__(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...


class SafeCallMethod(Protocol):
    """A `CallMethod` that returns None if the call fails."""

    @overload
    async def __call__(
        self, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT | None: ...
    @overload
    async def __call__(
        self, request: RequestModel[Any, ResultModelT], /, **options: Unpack[DictCallKeywords]
    ) -> ResultModelT | None: ...
    @overload
    async def __call__(
        self, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any] | None: ...
    @overload
    async def __call__(
        self, protocol: str, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any] | None: ...


class Caller(Protocol):
    """The operations that a client and an `OCPPServerClient` both offer to their handlers; see `Peer` for each method.

    `HandlerContext[Any, OCPPServerClient]` offers everything that a server's handle on a station does, and so on.
    """

    @property
    def identity(self) -> str:
        """The identity of the station."""

    @property
    def protocol(self) -> str | None:
        """The negotiated subprotocol."""

    @property
    def call(self) -> CallMethod:
        """Call the peer."""

    @property
    def call_immediate(self) -> CallMethod:
        """Call ahead of the queued calls."""

    @property
    def safe_call(self) -> SafeCallMethod:
        """Call, and return None instead of raising when the call fails."""

    @overload
    async def notify(
        self,
        message: Message[Any, None] | RequestModel[Any, None],
        /,
        *,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
    ) -> None: ...
    @overload
    async def notify(
        self,
        action: str,
        params: Params,
        /,
        *,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
    ) -> None: ...

    async def close(
        self, code: int = 1000, reason: str = "", *, force: bool = False, await_pending: bool = True
    ) -> "CloseEvent":
        """Close the connection.

        Args:
            code: The close code.
            reason: The close reason, at most 123 bytes of UTF-8; a longer one is cut.
            force: True to drop the connection without a close handshake.
            await_pending: True to wait first for the responses to outstanding CALLs, at most `drain_timeout` seconds.

        Raises:
            ValueError: The code must not be sent (RFC 6455 §7.4).
        """


if TYPE_CHECKING:
    ClientT_co = TypeVar("ClientT_co", bound=Caller, default=Caller, covariant=True)
else:
    ClientT_co = TypeVar("ClientT_co", bound=Caller, covariant=True)
