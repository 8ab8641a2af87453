"""Decorators for handlers, and the map of the handlers of an object."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["after", "create_route_map", "on", "routables"]

_Handler = TypeVar("_Handler", bound=Callable[..., Any])

routables: list[str] = []
"""Names of all functions that were decorated with `on` or `after`, in the order of decoration."""


def on(action: str, *, skip_schema_validation: bool = False) -> Callable[[_Handler], _Handler]:
    """Register the decorated function as the handler of an action.

    The function may be async. It gets the payload as keyword arguments in snake_case, and `call_unique_id`, the message
    ID, if it has a parameter of that name. Take `**kwargs` for the optional properties. It returns an object of
    `call_result`, or a dict.

    Args:
        action: a member of `enums.Action`, or the name of the action.
        skip_schema_validation: True to validate neither the request nor the answer.
    """

    def decorate(handler: _Handler) -> _Handler:
        return _marked(handler, _on_action=action, _skip_schema_validation=skip_schema_validation)

    return decorate


def after(action: str, inject_response: bool = False) -> Callable[[_Handler], _Handler]:
    """Register the decorated function to run after the answer to an action was sent.

    It gets the arguments of the handler. An async function runs in a task of its own.

    Args:
        action: a member of `enums.Action`, or the name of the action.
        inject_response: True to pass the answer as well, as `call_response`: a dict in snake_case without None.
    """

    def decorate(hook: _Handler) -> _Handler:
        return _marked(hook, _after_action=action, _inject_response=inject_response)

    return decorate


def create_route_map(obj: object) -> dict[str, dict[str, Any]]:
    """Return the handlers of any object by action.

    An entry has `_on_action` with `_skip_schema_validation`, `_after_action`, or all of them. Handlers are found by the
    names of all decorated functions. Functions that were put on the instance count, and a method of the same name
    without decorator replaces an inherited handler.
    """
    routes: dict[str, dict[str, Any]] = {}
    for name in routables:
        function = getattr(obj, name, None)
        if hasattr(function, "_on_action"):
            entry = routes.setdefault(function._on_action, {})  # type: ignore[union-attr]  # it has the attribute
            entry["_skip_schema_validation"] = getattr(function, "_skip_schema_validation", False)
            entry["_on_action"] = function
        if hasattr(function, "_after_action"):
            routes.setdefault(function._after_action, {})["_after_action"] = function  # type: ignore[union-attr]  # it has the attribute
    return routes


def _marked(function: _Handler, **marks: object) -> _Handler:
    """Return a function that calls another one and has the marks; the other one may have marks of its own."""

    @functools.wraps(function)
    def marked(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    vars(marked).update(marks)
    if function.__name__ not in routables:
        routables.append(function.__name__)
    return marked  # type: ignore[return-value]  # it has the signature of the other
