"""Recordings of a world in virtual time, which wait in memory until the world writes them."""

from typing import TYPE_CHECKING, Final

from ._recordings import Recordings

if TYPE_CHECKING:
    from ._recordings import RecordTo

__all__ = ["HeldRecordings"]

_CONNECTION: Final = 1 << 24
"""Bytes of one recording, unless `Recordings` have others: a test may play weeks."""


class HeldRecordings(Recordings):
    """Recordings without a thread: when a thread ends, no seed repeats.

    Args:
        to: Where they go. With a directory or a function, they are not redacted: they are those of a test.

    Raises:
        TypeError: `to` is neither a path, nor a function, nor `Recordings`.
    """

    def __init__(self, to: "RecordTo") -> None:
        if isinstance(to, Recordings):
            super().__init__(
                to._sink, connection_bytes=to.connection_bytes, total_bytes=to.total_bytes, redact=to.redact
            )
        else:
            super().__init__(to, connection_bytes=_CONNECTION, redact=False)

    def write(self) -> None:
        """Write all that is recorded, and record nothing more of these connections. Raises what writing raises."""
        for running in [*self._running]:
            running.recording.abandon()
            running.finish()
        while (held := self._next()) is not None:
            self._size -= held.size
            self._write(held)

    @property
    def is_writing(self) -> bool:
        """False: nobody waits for the world to write."""
        return False

    def _start_thread(self) -> None:
        """Start none."""
