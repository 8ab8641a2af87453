"""Channels that count the bytes of their messages, for the option `metrics`."""

from ocpp_core.messages import utf8_length

from ._channel import ChannelConnection
from ._owner import ConnectionOwner

__all__ = ["channel_connection"]


def channel_connection(owner: ConnectionOwner, attempt: int = 0) -> ChannelConnection:
    """Return a connection for a channel, which counts if its owner does."""
    return ChannelConnection(owner, attempt) if owner.traffic is None else _CountedChannel(owner, attempt)


class _CountedChannel(ChannelConnection):
    """A `ChannelConnection` that counts the bytes of messages; frames are the matter of another library."""

    def send(self, data: str, /) -> None:
        traffic = self._owner.traffic
        if traffic is not None and not self.is_closing:
            traffic.sent += utf8_length(data)
        ChannelConnection.send(self, data)

    def _receive(self, message: str | bytes) -> None:
        traffic = self._owner.traffic
        if traffic is not None:
            traffic.received += utf8_length(message) if isinstance(message, str) else len(message)
        ChannelConnection._receive(self, message)
