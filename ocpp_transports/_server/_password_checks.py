"""The threads in which `verify` hashes passwords, shared fairly among the addresses of the stations."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ocpp_core.admission.step import Ask
from ocpp_transports._callbacks._workers import Workers
from ocpp_transports._runtime._current import caller_from_outside

__all__ = ["PasswordChecks"]


class PasswordChecks:
    """Runs the questions of handshakes in at most `limit` threads; further ones wait.

    A flood of wrong passwords from one address then delays a station of another address by one check for each address
    that waits. The function of a handshake that has ended in between keeps its thread until it returns.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._workers: Workers | None = None

    def limit_to(self, limit: int) -> None:
        """Use this limit for checks that begin from now on."""
        if limit != self._limit:
            self._limit, self._workers = limit, None

    async def run(self, key: object, ask: Ask) -> Any:
        """Call the function of a question in a thread; `key` is the address of the station."""
        if self._workers is None:
            self._workers = Workers(self._limit, _containing(caller_from_outside()))
        return await self._workers.run(ask.function, *ask.arguments, key=key)


def _containing(soon: Callable[[Callable[[], object]], object]) -> Callable[[Callable[[], object]], None]:
    """Return a function that drops calls once the event loop has ended: nothing waits for a thread then."""

    def call(function: Callable[[], object]) -> None:
        with suppress(RuntimeError):
            soon(function)

    return call
