"""Connections of the epoll that count their bytes, for the option `metrics`: used instead of the others."""

from typing import cast

from ocpp_transports._metrics._cells import Traffic

from ._connection import EpollConnection

__all__ = ["CountedEpoll"]


class CountedEpoll(EpollConnection):
    """An `EpollConnection` that counts."""

    __slots__ = ()

    def send(self, data: bytes, /) -> None:
        """Count and send; see EpollConnection."""
        if not self.is_closing:
            cast("Traffic", self._owner.traffic).sent += len(data)
        EpollConnection.send(self, data)

    def _feed(self, data: bytes) -> None:
        if not self.is_closing:
            cast("Traffic", self._owner.traffic).received += len(data)
        EpollConnection._feed(self, data)
