"""The inputs of nearly every message, written by hand, see `PlainData`."""

from collections.abc import Mapping
from dataclasses import Field, field
from typing import Any, ClassVar, Final, final

from ._plain import PlainData, described

__all__ = ["BytesReceived", "Reply"]


@final
class BytesReceived(PlainData):
    """Bytes arrived, or the peer ended the stream."""

    __slots__ = ("attempt", "data")
    __match_args__: Final = ("data", "attempt")
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]] = described(data=field(), attempt=field(default=0))

    data: bytes
    """The bytes as received; empty at the end of the stream."""
    attempt: int
    """The connection attempt that this belongs to; 0 on a server."""

    def __init__(self, data: bytes, attempt: int = 0) -> None:
        self.data = data
        self.attempt = attempt


@final
class Reply(PlainData):
    """Answer the dispatched request with a CALLRESULT.

    For a SEND, only report that the handler is done.
    """

    __slots__ = ("payload", "request")
    __match_args__: Final = ("request", "payload")
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]] = described(request=field(), payload=field())

    request: int
    """The number of the request, from `Dispatch`."""
    payload: Mapping[str, Any]
    """The payload of the CALLRESULT, a JSON object."""

    def __init__(self, request: int, payload: Mapping[str, Any]) -> None:
        self.request = request
        self.payload = payload
