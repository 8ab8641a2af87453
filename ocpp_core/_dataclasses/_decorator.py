"""The decorator: fields and slots by the standard library, methods by this package."""

from collections.abc import Iterator
from dataclasses import dataclass as fields_and_slots
from dataclasses import fields, is_dataclass
from typing import Any

from ._constructor import LateConstructor
from ._methods import comparing, copying, freezing, representation

__all__ = ["dataclass"]


def dataclass(cls: type[Any] | None = None, /, **options: bool) -> Any:
    """Return the class as `dataclasses.dataclass` would, or a decorator that does so.

    Args:
        cls: The class; None to return a decorator.
        options: Those of `dataclasses.dataclass` except `init`, `order` and `unsafe_hash`.

    Returns:
        The class; another one of the same name if `slots` is True.

    Raises:
        TypeError: As `dataclasses.dataclass` raises it.
    """
    return _made(cls, **options) if cls is not None else lambda cls: _made(cls, **options)


def _made(cls: type[Any], *, frozen: bool = False, **options: bool) -> type[Any]:
    written = {name for name, value in vars(cls).items() if value is not None}  # `__eq__` sets `__hash__` to None
    shown, compared = options.pop("repr", True), options.pop("eq", True)
    inherits = frozen and any(map(is_dataclass, cls.__mro__))  # the standard library demands that bases be frozen too
    cls.__doc__ = cls.__doc__ or cls.__name__  # the standard library would write one, and parse source to do so
    made = fields_and_slots(init=False, repr=False, eq=False, frozen=inherits, **options)(cls)
    vars(made)["__dataclass_params__"].frozen = frozen
    for name, method in _methods(made, shown, compared, frozen):
        if name not in written:
            setattr(made, name, method)
    return made


def _methods(made: type[Any], shown: bool, compared: bool, frozen: bool) -> Iterator[tuple[str, Any]]:
    members = fields(made)
    yield "__init__", LateConstructor(made, frozen)
    if shown:
        yield "__repr__", representation([each.name for each in members if each.repr])
    if compared:
        yield from comparing(members, frozen)
    if frozen:
        yield from freezing(made, frozenset(each.name for each in members))
        if "__slots__" in vars(made):
            yield from copying()
