"""The requests to the store that are in progress."""

from collections.abc import Hashable, Sequence
from itertools import count
from typing import TypeAlias, TypeVar

from ocpp_core._dataclasses import dataclass

__all__ = [
    "CheckRequest",
    "ClaimRequest",
    "ReleaseRequest",
    "RenewalRequest",
    "RequestsInProgress",
    "RestoreRequest",
    "StoreRequest",
]

_RequestT = TypeVar("_RequestT", bound="StoreRequest")


@dataclass(slots=True)
class RenewalRequest:
    """A renewal."""

    sent: float
    """When it was sent, in the host's seconds."""


@dataclass(slots=True)
class ClaimRequest:
    """A claim."""

    sent: float
    """When it was sent, in the host's seconds."""
    identity: str
    """The station."""
    connection: Hashable
    """The connection whose handshake waits."""
    version: int
    """How often the baseline of its bucket had changed."""
    is_awaited: bool = True
    """False once the handshake was refused or has ended."""
    successor: Hashable = None
    """A newer connection of the station whose claim follows this one; None if there is none."""


@dataclass(slots=True)
class RestoreRequest:
    """A restore."""

    sent: float
    """When it was sent, in the host's seconds."""
    identity: str
    """The station."""
    fence: int
    """The fence to continue with."""
    version: int
    """How often the baseline of its bucket had changed."""


@dataclass(slots=True)
class CheckRequest:
    """A check."""

    sent: float
    """When it was sent, in the host's seconds."""
    identities: Sequence[str]
    """The stations."""
    versions: Sequence[int]
    """For each station, how often the baseline of its bucket had changed."""


@dataclass(slots=True)
class ReleaseRequest:
    """A release."""

    identity: str
    """The station."""


StoreRequest: TypeAlias = RenewalRequest | ClaimRequest | RestoreRequest | CheckRequest | ReleaseRequest
"""A request in progress."""


class RequestsInProgress:
    """Requests by their numbers, each of which is used once."""

    def __init__(self) -> None:
        self._requests: dict[int, StoreRequest] = {}
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, request: StoreRequest) -> int:
        """Add a request and return its number."""
        number = next(self._numbers)
        self._requests[number] = request
        return number

    def get(self, number: int, kind: type[_RequestT]) -> _RequestT:
        """Return a request of this kind. Raises ValueError if none in progress has this number."""
        request = self._requests.get(number)
        if not isinstance(request, kind):
            raise ValueError(f"expected the number of a {kind.__name__} in progress, got {number!r}")
        return request

    def end(self, number: int, kind: type[_RequestT]) -> _RequestT:
        """Remove a request of this kind and return it. Raises ValueError if none in progress has this number."""
        request = self.get(number, kind)
        del self._requests[number]
        return request

    def fail(self, number: int) -> StoreRequest:
        """Remove a request of any kind and return it. Raises ValueError if none in progress has this number."""
        request = self._requests.pop(number, None)
        if request is None:
            raise ValueError(f"expected the number of a request in progress, got {number!r}")
        return request
