"""Checks at registration that a function of the application accepts its arguments."""

from collections.abc import Callable
from functools import partial
from inspect import CO_ASYNC_GENERATOR, CO_GENERATOR, CO_ITERABLE_COROUTINE, Signature
from types import FunctionType, MethodType
from typing import Any, Final

from ._signatures import signature_of

__all__ = ["expect_arguments"]

_GENERATOR: Final = CO_GENERATOR | CO_ASYNC_GENERATOR


def expect_arguments(function: Callable[..., Any], role: str, *names: str) -> None:
    """Raise TypeError if `function` cannot be called with these positional arguments; `role` is its purpose.

    Raises TypeError for a generator function too: nothing iterates over its result, so its body would never run. A
    function whose signature cannot be read passes, and so does one that declares another signature than its own
    (`__signature__` of a decorator).
    """
    if _is_generator_function(function):
        raise TypeError(
            f"expected a function or coroutine function as {role}, got generator function {_name(function)}"
        )
    if _obviously_takes(function, len(names)):
        return  # true for nearly all functions: no signature has to be made
    made = _signature(function)
    if made is None:
        return
    try:
        made.bind(*names)
    except TypeError:
        expected = f"{len(names)} argument{'' if len(names) == 1 else 's'}"
        listed = f" ({', '.join(names)})" if names else ""
        got = f"{_name(function)}{made}"
        raise TypeError(f"expected a function that takes {expected}{listed} as {role}, got {got}") from None


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))


def _is_generator_function(function: object) -> bool:
    """Return True for a generator function, except one for coroutines (`types.coroutine`), which can be awaited."""
    while isinstance(function, (partial, MethodType)):
        function = function.func if isinstance(function, partial) else function.__func__
    flags = function.__code__.co_flags if type(function) is FunctionType else 0
    return bool(flags & _GENERATOR) and not flags & CO_ITERABLE_COROUTINE


def _obviously_takes(function: object, count: int) -> bool:
    if isinstance(function, MethodType):
        function, count = function.__func__, count + 1
    if type(function) is not FunctionType:
        return False
    code = function.__code__
    return code.co_argcount == count and not code.co_kwonlyargcount


def _signature(function: Callable[..., Any]) -> Signature | None:
    if hasattr(function, "__signature__"):
        return None
    try:
        return signature_of(function, follow_wrapped=False)
    except (TypeError, ValueError):  # some functions written in C have none
        return None
