"""The threads of anyio on a loop, which know themselves whether they work."""

from asyncio import AbstractEventLoop
from typing import Any

from anyio._backends._asyncio import _threadpool_idle_workers, _threadpool_workers
from anyio.lowlevel import _run_vars

__all__ = ["AnyioWorkers"]


class AnyioWorkers:
    """Counts the threads of `anyio.to_thread` that work for a loop.

    anyio takes a thread off its list of idle ones before it has work, and puts it back in the thread of the loop,
    together with the result. Both lists are private; a test shows if anyio changes them.
    """

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._variables: dict[Any, Any] | None = None

    def __contains__(self, thread: object) -> bool:
        return self._variables is not None and thread in self._variables.get(_threadpool_workers, ())

    def working(self) -> int:
        """Return the number of threads that work."""
        if self._variables is None:
            self._variables = _run_vars.get(self._loop)
            if self._variables is None:
                return 0
        workers = self._variables.get(_threadpool_workers)
        return len(workers) - len(self._variables[_threadpool_idle_workers]) if workers else 0
