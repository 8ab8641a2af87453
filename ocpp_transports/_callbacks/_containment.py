"""Exceptions of the application's own code: contained, raised again, or the end of the program.

Handlers, listeners, `auth` and `credentials` may raise anything. A CancelledError is not always a cancellation: the
result of a cancelled future raises one as well. This module distinguishes the two. It imports no event loop: one that
is not loaded is not running.
"""

import sys
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any

__all__ = ["end_program", "ending_in", "is_cancellation"]


def is_cancellation(error: BaseException) -> bool:
    """Return True if `error` ends the running task from outside and must be raised again.

    On asyncio that is a CancelledError in a task with a cancellation request (`asyncio.Task.cancelling`), on trio every
    Cancelled, which applications cannot make. On either it is also the GeneratorExit of a coroutine that is discarded,
    which happens only while no event loop runs; inside a running one a GeneratorExit is the application's.
    """
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(_is_cancellation) is not None
    return _is_cancellation(error)


def _is_cancellation(error: BaseException) -> bool:
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    if asyncio is not None and isinstance(error, asyncio.CancelledError):
        return _is_being_cancelled(asyncio)
    if isinstance(error, GeneratorExit):
        return not (_is_running(asyncio) or (trio is not None and trio.lowlevel.in_trio_task()))
    return trio is not None and isinstance(error, trio.Cancelled)


def _is_being_cancelled(asyncio: ModuleType) -> bool:
    task = asyncio.current_task() if _is_running(asyncio) else None
    return task is not None and task.cancelling() > 0


def ending_in(error: BaseException) -> BaseException | None:
    """Return the exception that ends the program: `error` itself, or the first one in an exception group."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(ending_in, error.exceptions)), None)
    return error if isinstance(error, (KeyboardInterrupt, SystemExit)) else None


def _is_running(asyncio: ModuleType | None) -> bool:
    try:
        return asyncio is not None and asyncio.get_running_loop() is not None
    except RuntimeError:  # another loop runs, or none
        return False


def end_program(error: BaseException, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> None:
    """Raise the KeyboardInterrupt or SystemExit that `error` is or holds, if any, out of the event loop.

    Raised where it was caught, it would leave the state of a connection half updated. asyncio has a callback for it,
    which nothing cancels; elsewhere `spawn` runs a task.
    """
    ending = ending_in(error)
    if ending is None:
        return
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and _is_running(asyncio):
        asyncio.get_running_loop().call_soon(_raise, ending)
    else:
        spawn(_raise_in_task(ending))


async def _raise_in_task(error: BaseException) -> None:
    raise error


def _raise(error: BaseException) -> None:
    raise error
