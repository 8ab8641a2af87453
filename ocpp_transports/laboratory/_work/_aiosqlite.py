"""Counts the thread of each aiosqlite connection while it works for a virtual event loop.

Nothing tells from outside if such a thread works: from Python 3.13 on, a queue hands an item over without ever holding
it. So the methods of aiosqlite that wait for their thread are wrapped, once a process, where it is installed.
"""

from collections.abc import Callable
from functools import cache, wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ._threads import real_work

__all__ = ["count_aiosqlite"]

_WAITING = ("_connect", "_execute", "close")
"""Coroutine functions of `aiosqlite.Connection` that wait for its thread; every other one uses these."""


@cache
def count_aiosqlite() -> None:
    """Wrap what waits for a thread of aiosqlite, once; nothing happens if it is not installed."""
    if find_spec("aiosqlite") is None:
        return
    connection = import_module("aiosqlite").Connection
    for name in _WAITING:
        setattr(connection, name, _counted(getattr(connection, name)))


def _counted(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    async def counted(*args: Any, **kwargs: Any) -> Any:
        with real_work("aiosqlite"):
            return await method(*args, **kwargs)

    return counted
