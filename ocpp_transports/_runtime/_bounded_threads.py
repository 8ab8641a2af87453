"""Threads for plain functions that block, such as those that hash passwords; shared fairly among those that wait."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ocpp_transports._callbacks._workers import Workers

from ._current import caller_from_outside

__all__ = ["BoundedThreads"]


class BoundedThreads:
    """Runs functions in at most `limit` threads; further ones wait, those of different keys in rotation.

    With the address of a station as the key, a flood from one address delays a station of another address by one
    function for each address that waits. If the caller is cancelled, its function keeps its thread until it returns.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._workers: Workers | None = None

    def limit_to(self, limit: int) -> None:
        """Use this limit for functions that begin from now on."""
        if limit != self._limit:
            self._limit, self._workers = limit, None

    async def run(self, function: Callable[..., Any], *args: Any, key: object) -> Any:
        """Call a function in a thread, and return its result or raise its exception."""
        if self._workers is None:
            self._workers = Workers(self._limit, _containing(caller_from_outside()))
        return await self._workers.run(function, *args, key=key)


def _containing(soon: Callable[[Callable[[], object]], object]) -> Callable[[Callable[[], object]], None]:
    """Return a function that drops calls once the event loop has ended: nothing waits for a thread then."""

    def call(function: Callable[[], object]) -> None:
        with suppress(RuntimeError):
            soon(function)

    return call
