"""The types of handlers of typed messages: what `@server.handle(v16.Reset)` accepts.

A registration is generic in the class of messages, for the context, and in the client. The types of both payloads are
found by the type of `self`. The overloads are those of the context, the payload, a model, and a pair in either order.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, overload

from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel

from ._caller import Caller
from ._contexts import HandlerContext
from ._models import ForeignModel, WireModel
from ._table import NoReply

__all__ = ["MessageT", "Registration", "ResponseT", "Returned", "Serving"]

MessageT = TypeVar("MessageT", bound=Message[Any, Any])
_MessageT_co = TypeVar("_MessageT_co", bound=Message[Any, Any], covariant=True)
_ClientT_co = TypeVar("_ClientT_co", bound=Caller, covariant=True)
_RequestT = TypeVar("_RequestT", bound=Mapping[str, Any])
ResponseT = TypeVar("ResponseT", bound=Mapping[str, Any] | None)
_ModelT = TypeVar("_ModelT", bound=RequestModel[Any, Any] | ForeignModel)

_Answer: TypeAlias = ResponseT | WireModel[ResponseT] | ForeignModel | NoReply
Returned: TypeAlias = _Answer[ResponseT] | Awaitable[_Answer[ResponseT]]
"""The result of a handler."""
_PlainContext: TypeAlias = HandlerContext[Message[dict[str, Any], dict[str, Any]], _ClientT_co]
"""A `HandlerContext` without a message has dicts."""


class Serving(Protocol[_ClientT_co]):
    """An object that registers handlers, generic in the type of their `ctx.client`."""

    @property
    def _context_client(self) -> _ClientT_co: ...


class Registration(Generic[_MessageT_co, _ClientT_co]):
    """The decorator that `handle(v16.Reset)` returns, for type checkers: at run time it is a function."""

    @overload
    def __call__(
        self: "Registration[Message[Any, ResponseT], Any]",
        handler: Callable[[HandlerContext[_MessageT_co, _ClientT_co]], Returned[ResponseT]]
        | Callable[[_PlainContext[_ClientT_co]], Returned[ResponseT]],
        /,
    ) -> Callable[[HandlerContext[_MessageT_co, _ClientT_co]], Any]: ...
    @overload
    def __call__(
        self: "Registration[Message[_RequestT, ResponseT], Any]",
        handler: Callable[[_RequestT], Returned[ResponseT]],
        /,
    ) -> Callable[[_RequestT], Any]: ...
    @overload
    def __call__(
        self: "Registration[Message[Any, ResponseT], Any]",
        handler: Callable[[_ModelT], Returned[ResponseT]],
        /,
    ) -> Callable[[_ModelT], Any]: ...
    @overload
    def __call__(
        self: "Registration[Message[_RequestT, ResponseT], Any]",
        handler: Callable[[_RequestT, HandlerContext[_MessageT_co, _ClientT_co]], Returned[ResponseT]]
        | Callable[[_RequestT, _PlainContext[_ClientT_co]], Returned[ResponseT]],
        /,
    ) -> Callable[[_RequestT, HandlerContext[_MessageT_co, _ClientT_co]], Any]: ...
    @overload
    def __call__(
        self: "Registration[Message[_RequestT, ResponseT], Any]",
        handler: Callable[[HandlerContext[_MessageT_co, _ClientT_co], _RequestT], Returned[ResponseT]]
        | Callable[[_PlainContext[_ClientT_co], _RequestT], Returned[ResponseT]],
        /,
    ) -> Callable[[HandlerContext[_MessageT_co, _ClientT_co], _RequestT], Any]: ...
    @overload
    def __call__(
        self: "Registration[Message[Any, ResponseT], Any]",
        handler: Callable[[_ModelT, HandlerContext[_MessageT_co, _ClientT_co]], Returned[ResponseT]]
        | Callable[[_ModelT, _PlainContext[_ClientT_co]], Returned[ResponseT]],
        /,
    ) -> Callable[[_ModelT, HandlerContext[_MessageT_co, _ClientT_co]], Any]: ...
    @overload
    def __call__(
        self: "Registration[Message[Any, ResponseT], Any]",
        handler: Callable[[HandlerContext[_MessageT_co, _ClientT_co], _ModelT], Returned[ResponseT]]
        | Callable[[_PlainContext[_ClientT_co], _ModelT], Returned[ResponseT]],
        /,
    ) -> Callable[[HandlerContext[_MessageT_co, _ClientT_co], _ModelT], Any]: ...
    @overload
    def __call__(  # type: ignore[overload-cannot-match]  # pyright explains a misfit with the last one
        self: "Registration[Message[Any, ResponseT], Any]",
        handler: Callable[[HandlerContext[_MessageT_co, _ClientT_co]], Returned[ResponseT]],
        /,
    ) -> Callable[[HandlerContext[_MessageT_co, _ClientT_co]], Any]: ...
    def __call__(self, handler: Callable[..., Any], /) -> Callable[..., Any]:
        """Register a handler and return it."""
        raise NotImplementedError  # a protocol, which needs no body, cannot be generic in this way
