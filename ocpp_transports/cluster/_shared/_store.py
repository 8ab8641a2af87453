"""The interface of the common memory of a cluster.

It belongs to one node, from `open` to `aclose`. Every method ends within its timeout, and raises
`StoreUnavailableError` if there is no answer until then.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from ocpp_core.cluster.shared.records import SharedChange, StationMemory

__all__ = ["SharedStore", "SharingBackend"]


class SharedStore(Protocol):
    """Where the nodes of a cluster keep sessions, responses and rates; everything in it expires."""

    async def open(self) -> None:
        """Connect when it is first used; may be called again after `aclose`."""

    async def read(self, name: str, key: str | None) -> StationMemory:
        """Return what is known of a station; `key` is that of its session, None for a station without one.

        Raises:
            StoreUnavailableError: There was no answer.
        """

    async def write(self, changes: Sequence[SharedChange]) -> None:
        """Write changes, each in one step. A session is not written if a newer claim of its station is known.

        Raises:
            StoreUnavailableError: There was no answer; some changes may be written.
            ForeignDataError: A key has a value that is none of ours. All others are written.
        """

    async def take(self, taken: Mapping[str, int], rate: float, burst: float) -> Sequence[float]:
        """Take tokens from the common buckets of owners; return the seconds until each is full, in their order.

        Raises:
            StoreUnavailableError: There was no answer; some tokens may be taken.
        """

    async def aclose(self) -> None:
        """Disconnect; never raises for a store that is away."""


@runtime_checkable
class SharingBackend(Protocol):
    """A backend whose nodes can have a common memory."""

    def new_shared(self, timeout: float) -> SharedStore:
        """Return the store for one node; nothing is opened yet. The argument is in seconds."""
