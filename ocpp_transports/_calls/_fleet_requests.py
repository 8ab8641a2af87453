"""The requests of a `FleetCall`: which stations it calls, with which arguments."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import anyio

from ocpp_core.identity import StationKey

__all__ = ["FleetRequests", "ListedRequests", "Request", "read_concurrency", "read_requests"]

Request = tuple[str | StationKey, tuple[Any, ...]]
"""The identity or key of a station, and the arguments of its call."""

_CHECKED_AT_ONCE: Final = 64
"""Requests that are checked before other tasks may run."""


class FleetRequests(Protocol):
    """Where a `FleetCall` gets its requests from."""

    @property
    def skips(self) -> tuple[type[Exception], ...]:
        """Errors of stations that the call does not concern: these get no outcome."""

    @property
    def total(self) -> int:
        """Stations that are known so far."""

    @property
    def most(self) -> float:
        """Stations at most, `inf` if it is not known."""

    @property
    def gap(self) -> str:
        """Why stations are missing at the end; empty if none are."""

    async def open(self) -> None:
        """Raise what prevents every call."""

    async def next(self) -> Request | None:
        """Return the next request; None after the last one. Several tasks may wait for one at a time."""


class ListedRequests:
    """Requests that are known. `check` raises for bad arguments of a call."""

    skips: tuple[type[Exception], ...] = ()
    gap: str = ""

    def __init__(self, requests: Sequence[Request], check: Callable[[tuple[Any, ...]], None] | None = None) -> None:
        self._requests = requests
        self._check = check
        self._remaining: Iterator[Request] = iter(requests)

    @property
    def total(self) -> int:
        """The number of requests."""
        return len(self._requests)

    most = total

    async def open(self) -> None:
        """Check all requests."""
        if self._check is None:
            return
        for number, (_, args) in enumerate(self._requests, 1):
            self._check(args)
            if number % _CHECKED_AT_ONCE == 0:
                await anyio.sleep(0)  # noqa: ASYNC115 - `anyio.lowlevel` would be loaded for this alone

    async def next(self) -> Request | None:
        """Return the next request; None after the last one."""
        return next(self._remaining, None)


def read_requests(args: tuple[Any, ...]) -> list[Request]:
    """Read `(mapping)`, `(action, mapping)` or `(protocol, action, mapping)`: one request for each key.

    Raises TypeError for anything else.
    """
    *names, requests = args or (None,)
    if not isinstance(requests, Mapping) or not (
        all(isinstance(name, str) for name in names) and all(isinstance(name, str | StationKey) for name in requests)
    ):
        got = type(requests).__name__
        raise TypeError(f"expected a mapping from identities to requests, after at most two names, got {got}")
    return [(identity, (*names, request)) for identity, request in requests.items()]


def read_concurrency(given: int | None, default: int) -> int:
    """Return the number of calls in progress at a time. Raises ValueError below 1."""
    limit = default if given is None else given
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ValueError(f"expected concurrency >= 1 calls, got {limit!r}")
    return limit
