"""Sockets and streams that count their bytes, for the option `metrics`: used instead of the others, not beside them."""

from typing import cast

from ocpp_core.inputs import BytesReceived
from ocpp_transports._metrics._cells import Traffic

from ._anyio_stream import StreamConnection
from ._asyncio_socket import SocketConnection

__all__ = ["CountedSocket", "CountedStream"]


class CountedSocket(SocketConnection):
    """A `SocketConnection` that counts. The methods repeat those that they replace: a call more costs more."""

    __slots__ = ()

    def _send(self, data: bytes) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            cast("Traffic", self._owner.traffic).sent += len(data)
            transport.write(data)

    def _send_sliced(self, data: bytes) -> None:
        cast("Traffic", self._owner.traffic).sent += len(data)
        SocketConnection._send_sliced(self, data)

    def buffer_updated(self, nbytes: int) -> None:
        """Count and feed a chunk."""
        if not self.is_closing:
            cast("Traffic", self._owner.traffic).received += nbytes
            self.driver.feed(BytesReceived(bytes(self._buffer[:nbytes]), self._attempt))


class CountedStream(StreamConnection):
    """A `StreamConnection` that counts."""

    __slots__ = ()

    def send(self, data: bytes, /) -> None:
        """Count and append to the output; see StreamConnection."""
        if not self.is_closing and self._stream is not None:
            cast("Traffic", self._owner.traffic).sent += len(data)
        StreamConnection.send(self, data)

    def _take(self, data: bytes | None) -> None:
        if data:
            cast("Traffic", self._owner.traffic).received += len(data)
        StreamConnection._take(self, data)
