"""Computations that ask the application's code of either kind: made at once where nothing has to be awaited."""

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, TypeAlias, TypeVar

from ._containment import is_cancellation

__all__ = ["Steps", "asking", "begin", "finish"]

_Result = TypeVar("_Result")
Steps: TypeAlias = Generator[Awaitable[Any], Any, _Result]
"""A computation that yields what has to be awaited, and is sent what came of it."""


def asking(function: Callable[..., Any], *args: object) -> Steps[Any]:
    """Call a function or coroutine function; the steps return what it returns, and raise what it raises."""
    result = function(*args)
    return (yield result) if isinstance(result, Awaitable) else result


def begin(steps: Steps[_Result]) -> _Result | Callable[[], Awaitable[_Result]]:
    """Go as far as possible without waiting: return the result, or what is to be called and awaited for it."""
    try:
        pending = next(steps)
    except StopIteration as done:
        result: _Result = done.value
        return result
    return partial(finish, steps, pending)


def _throwable(error: BaseException) -> BaseException:
    """Return the error in a form in which a generator can catch it: a GeneratorExit closes those within it first."""
    return RuntimeError("GeneratorExit") if isinstance(error, GeneratorExit) else error


async def finish(steps: Steps[_Result], pending: Awaitable[Any] | None = None) -> _Result:
    """Go through the steps from `pending` on, or through all of them."""
    try:
        awaited = next(steps) if pending is None else pending
        while True:
            try:
                outcome = await awaited
            except BaseException as error:
                if is_cancellation(error):
                    raise
                awaited = steps.throw(_throwable(error))
            else:
                awaited = steps.send(outcome)
    except StopIteration as done:
        result: _Result = done.value
        return result
