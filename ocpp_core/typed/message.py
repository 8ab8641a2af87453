"""A CALL or SEND as an object that knows its action, its version and the types of its payloads.

The classes of the standard messages are generated: `ocpp_core.v16`, `ocpp_core.v201` and `ocpp_core.v21`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Self, cast, get_args, get_origin

from ocpp_core.action_names import Sender

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # for type checkers only: typing's has no default before Python 3.13

    RequestT_co = TypeVar("RequestT_co", bound=Mapping[str, Any], default=Mapping[str, Any], covariant=True)
    ResponseT_co = TypeVar("ResponseT_co", bound=Mapping[str, Any] | None, default=Any, covariant=True)
else:
    from typing import TypeVar

    RequestT_co = TypeVar("RequestT_co", covariant=True)
    ResponseT_co = TypeVar("ResponseT_co", covariant=True)

__all__ = ["Message", "PayloadTypes", "RequestT_co", "ResponseT_co", "payload_types"]


class Message(Generic[RequestT_co, ResponseT_co]):
    """A request of one action and version, generic in the types of its payload and of its response.

    The response type of a SEND, which has no response, is None.
    """

    __slots__ = ("params",)

    action: ClassVar[str]
    """The action on the wire, e.g. `BootNotification`."""
    protocol: ClassVar[str]
    """The subprotocol of the version, e.g. `ocpp1.6`."""
    sender: ClassVar[Sender]
    """Who may send it."""

    params: RequestT_co
    """The payload, with the names of the wire."""

    def __init__(self, **params: Any) -> None:
        self.params = cast("RequestT_co", params)

    @classmethod
    def of(cls, params: Any, /) -> Self:
        """Return the message with this payload, which is not copied."""
        message = cls.__new__(cls)
        message.params = params
        return message

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Message) and other.params == self.params

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # its payload can change

    def __repr__(self) -> str:
        return f"<{self.action} of {self.protocol}>"  # without the payload, which may have credentials


class PayloadTypes(NamedTuple):
    """The types of a message's payload and of its response; the response type of a SEND is `NoneType`."""

    request: Any
    response: Any


def payload_types(message: type[Message[Any, Any]]) -> PayloadTypes:
    """Return the types with which a class of messages was declared; `Any` without a declaration."""
    for cls in message.__mro__:
        for base in cls.__dict__.get("__orig_bases__", ()):
            if get_origin(base) is Message:
                return PayloadTypes(*get_args(base))
    return PayloadTypes(Any, Any)
