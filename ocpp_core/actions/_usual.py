"""The actions of nearly every message, written by hand, see `PlainData`."""

from dataclasses import Field, field
from typing import Any, ClassVar, Final, final

from ocpp_core.inputs._plain import PlainData, described

__all__ = ["Dispatch", "SendBytes"]


@final
class SendBytes(PlainData):
    """Append these bytes to the stream."""

    __slots__ = ("data",)
    __match_args__: Final = ("data",)
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]] = described(data=field())

    data: bytes
    """The bytes to append."""

    def __init__(self, data: bytes) -> None:
        self.data = data


@final
class Dispatch(PlainData):
    """Run the handler of an inbound CALL, then pass one of `Reply`, `Fail`, `Decline` with `request`."""

    __slots__ = ("action", "expects_reply", "message_id", "payload", "received_at", "request", "text")
    __match_args__: Final = ("request", "action", "payload", "message_id", "expects_reply", "received_at", "text")
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]] = described(
        request=field(),
        action=field(),
        payload=field(),
        message_id=field(),
        expects_reply=field(default=True),
        received_at=field(default=0.0, compare=False),
        text=field(default="", compare=False, repr=False),
    )

    request: int
    """The number of the request, for the response."""
    action: str
    """The name of the OCPP action."""
    payload: dict[str, Any]
    """The payload; the host may change it."""
    message_id: str
    """The message ID as received."""
    expects_reply: bool
    """False for a SEND: `Reply` then only reports that the handler is done."""
    received_at: float
    """When the message was decoded, in the host's seconds; the request may have been held since then."""
    text: str
    """The message as received: a copy of it has the same text. It is peer data: never forward or log it."""

    def __init__(
        self,
        request: int,
        action: str,
        payload: dict[str, Any],
        message_id: str,
        expects_reply: bool = True,
        received_at: float = 0.0,
        text: str = "",
    ) -> None:
        self.request = request
        self.action = action
        self.payload = payload
        self.message_id = message_id
        self.expects_reply = expects_reply
        self.received_at = received_at
        self.text = text
