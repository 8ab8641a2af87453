"""The methods that need no source of their own: functions over the names of the fields."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import Field, FrozenInstanceError, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import Any

__all__ = ["comparing", "copying", "freezing", "representation"]


def representation(names: list[str]) -> Callable[[Any], str]:
    """Return the `__repr__` that shows these fields."""

    @recursive_repr()
    def represent(self: Any) -> str:
        shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{type(self).__qualname__}({shown})"

    return represent


def comparing(members: Iterable[Field[Any]], frozen: bool) -> Iterator[tuple[str, Any]]:
    """Return `__eq__` and `__hash__`; an object that can change has no hash."""
    read = _values([each.name for each in members if each.compare])

    def equal(self: Any, other: object) -> bool:
        return read(self) == read(other) if type(other) is type(self) else NotImplemented

    yield "__eq__", equal
    yield "__hash__", _hashing(members) if frozen else None


def _hashing(members: Iterable[Field[Any]]) -> Callable[[Any], int]:
    read = _values([each.name for each in members if (each.compare if each.hash is None else each.hash)])
    return lambda self: hash(read(self))


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that reads these fields of an object."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple([getattr(self, name) for name in names])


def freezing(cls: type[Any], names: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Return `__setattr__` and `__delattr__`; a subclass may set what is not a field."""

    def refuse_to_assign(self: Any, name: str, value: object) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def refuse_to_delete(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    yield "__setattr__", refuse_to_assign
    yield "__delattr__", refuse_to_delete


def copying() -> Iterator[tuple[str, Any]]:
    """Return what `copy` and `pickle` need if an object has slots and refuses `setattr`."""
    yield "__getstate__", _state
    yield "__setstate__", _restore


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
