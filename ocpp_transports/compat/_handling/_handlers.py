"""Calls into the functions of the program: handlers and after hooks."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from logging import Logger, LoggerAdapter
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from ocpp_transports._callbacks._signatures import signature_of
from ocpp_transports.compat._conversion._names import ObjectNames

__all__ = ["AfterHooks", "AnyLogger", "arguments_of", "names_parameter"]

AnyLogger: TypeAlias = Logger | LoggerAdapter[Any]

_PARAMETERS: "WeakKeyDictionary[object, frozenset[str]]" = WeakKeyDictionary()
"""Function -> the names of its parameters, because reading a signature takes longer than handling the message."""


def names_parameter(function: Callable[..., Any], name: str) -> bool:
    """Return True if a function has a parameter of this name."""
    key = getattr(function, "__func__", function)
    try:
        parameters = _PARAMETERS.get(key)
        if parameters is None:
            parameters = _PARAMETERS[key] = frozenset(signature_of(function).parameters)
    except (TypeError, ValueError):  # no weak references, no hash, or no signature
        return name in _signature(function)
    return name in parameters


def _signature(function: Callable[..., Any]) -> Mapping[str, object]:
    try:
        return signature_of(function).parameters
    except (TypeError, ValueError):
        return {}


def arguments_of(
    function: Callable[..., Any], fields: dict[str, Any], names: ObjectNames, unique_id: object
) -> dict[str, Any]:
    """Return the keyword arguments of a handler or hook.

    It gets `call_unique_id` if it names it. A property whose field is not spelled as the conversion of its name gets
    that other name if the function names it.

    Args:
        function: the handler or hook.
        fields: the payload by the names of fields.
        names: the names of the payload.
        unique_id: the message ID.
    """
    arguments = dict(fields)
    if names_parameter(function, "call_unique_id"):
        arguments["call_unique_id"] = unique_id
    for field, other in names.other_fields.items():
        if field in arguments and names_parameter(function, other) and not names_parameter(function, field):
            arguments[other] = arguments.pop(field)
    return arguments


_MOST: Final = 100
"""After hooks that run at a time; beyond, the next CALL waits, because the peer decides how many it starts."""


class AfterHooks:
    """The after hooks that run; an exception of one is logged, and nothing is sent for it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Future[Any]] = set()

    async def run(self, hook: Callable[..., Any], arguments: dict[str, Any], logger: AnyLogger) -> None:
        """Call a hook, and let it run in a task of its own if it is async."""
        while len(self._tasks) >= _MOST:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        try:
            result = hook(**arguments)
        except Exception as error:
            _log(logger, error)
            return
        if inspect.isawaitable(result):
            task = asyncio.ensure_future(result)
            self._tasks.add(task)  # the loop keeps no strong reference
            task.add_done_callback(lambda _: self._done(task, logger))

    def _done(self, task: "asyncio.Future[Any]", logger: AnyLogger) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log(logger, error)


def _log(logger: AnyLogger, error: BaseException) -> None:
    logger.error("Error in an after hook", exc_info=error)
