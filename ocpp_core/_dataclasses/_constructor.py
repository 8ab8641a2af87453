"""`__init__`, compiled from source when its class is first called."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, Final

__all__ = ["LateConstructor"]


class _Later:
    """The default of a parameter whose value a factory makes."""

    def __repr__(self) -> str:
        return "<factory>"


_NAMES: Final = {"_set": object.__setattr__, "_LATER": _Later()}


class LateConstructor:
    """Replaces itself with the `__init__` of its class when that is first looked up."""

    __slots__ = ("_cls", "_frozen")

    def __init__(self, cls: type[Any], frozen: bool) -> None:
        self._cls = cls
        self._frozen = frozen

    def __get__(self, instance: object, owner: type[Any]) -> Any:
        constructor: Any = _compile(self._cls, self._frozen)
        self._cls.__init__ = constructor
        return constructor.__get__(instance, owner)


def _compile(cls: type[Any], frozen: bool) -> Callable[..., None]:
    members = fields(cls)
    names: dict[str, Any] = dict(_NAMES)
    for each in members:
        names[f"_default_{each.name}"] = each.default if each.default_factory is MISSING else each.default_factory
    parameters = ", ".join(["self", *_parameters(members)])
    made = _function(parameters, _body(cls, members, frozen), names, cls.__module__)
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {each.name: each.type for each in members if each.init} | {"return": None}
    return made


def _function(parameters: str, body: Iterator[str], names: dict[str, Any], module: str) -> Callable[..., None]:
    """Return the function that sees these names and, so that quoted annotations resolve, those of its module."""
    source = [f"def make({', '.join(names)}):", f" def __init__({parameters}):", *(f"  {line}" for line in body)]
    space = vars(sys.modules[module]) if module in sys.modules else {"__name__": module}
    made: dict[str, Any] = {}
    exec("\n".join([*source, " return __init__"]), space, made)  # noqa: S102 - as `dataclasses` does
    constructor: Callable[..., None] = made["make"](**names)
    return constructor


def _parameters(members: tuple[Field[Any], ...]) -> Iterator[str]:
    yield from (_parameter(each) for each in members if each.init and not each.kw_only)
    keywords = [_parameter(each) for each in members if each.init and each.kw_only]
    if keywords:
        yield from ["*", *keywords]


def _parameter(member: Field[Any]) -> str:
    if member.default is not MISSING:
        return f"{member.name}=_default_{member.name}"
    return member.name if member.default_factory is MISSING else f"{member.name}=_LATER"


def _body(cls: type[Any], members: tuple[Field[Any], ...], frozen: bool) -> Iterator[str]:
    has_slots = "__slots__" in vars(cls)
    for each in members:
        value = _value(each, has_slots)
        if value is not None:
            yield f"_set(self, {each.name!r}, {value})" if frozen else f"self.{each.name} = {value}"
    yield "self.__post_init__()" if hasattr(cls, "__post_init__") else "pass"


def _value(member: Field[Any], has_slots: bool) -> str | None:
    """Return the expression of a field's value; None if the class has it or `__post_init__` sets it."""
    name, default = member.name, f"_default_{member.name}"
    if member.default_factory is not MISSING:
        return f"{default}() if {name} is _LATER else {name}" if member.init else f"{default}()"
    if member.init:
        return name
    return default if has_slots and member.default is not MISSING else None
