"""Checks at registration that a function of the application accepts its arguments."""

from collections.abc import Callable
from inspect import Signature, signature
from types import FunctionType, MethodType
from typing import Any

__all__ = ["expect_arguments"]


def expect_arguments(function: Callable[..., Any], role: str, *names: str) -> None:
    """Raise TypeError if `function` cannot be called with these positional arguments; `role` is its purpose.

    A function whose signature cannot be read passes, and so does one that declares another signature than its own
    (`__signature__` of a decorator).
    """
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
        name = getattr(function, "__qualname__", type(function).__name__)
        raise TypeError(f"expected a function that takes {expected}{listed} as {role}, got {name}{made}") from None


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
        return signature(function, follow_wrapped=False)
    except (TypeError, ValueError):  # some functions written in C have none
        return None
