"""The base of the inputs and actions that are made for nearly every message.

They are written by hand as what `@dataclass(slots=True)` would make of them: mypyc compiles a plain class to a native
one, whose construction and attributes are C, and never a dataclass with slots.
"""

from dataclasses import Field, fields, make_dataclass, replace
from typing import Any, ClassVar, Self

__all__ = ["PlainData", "described"]


def described(**members: Any) -> dict[str, Field[Any]]:
    """Return the `__dataclass_fields__` of a class with these members, each a `dataclasses.field`."""
    named = [(name, Any, each) for name, each in members.items()]
    own = {"__doc__": "Has these members."}  # making one of the signature takes longer than all the rest
    alike: Any = make_dataclass("PlainData", named, namespace=own, init=False, repr=False, eq=False, match_args=False)
    found: dict[str, Field[Any]] = alike.__dataclass_fields__
    return found


def _options() -> Any:
    """Return the `__dataclass_params__`, which the decorator reads if a class with it extends one of these."""
    alike: Any = make_dataclass("PlainData", (), namespace={"__doc__": "Has no members."}, slots=True)
    return alike.__dataclass_params__


class PlainData:
    """Compares, shows, copies and pickles a subclass as a dataclass with its fields.

    A subclass declares `__slots__`, `__match_args__`, `__dataclass_fields__` and `__init__`. The functions of
    `dataclasses` accept it. Unlike theirs, these methods read the fields at each call: they are not for the hot path.
    """

    __slots__ = ()
    __hash__: ClassVar[None]  # type: ignore[assignment]  # as of a dataclass that compares and may change
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]] = {}
    __dataclass_params__: ClassVar[Any] = _options()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        compared = (each.name for each in fields(self) if each.compare)
        return all(getattr(self, name) == getattr(other, name) for name in compared)

    def __repr__(self) -> str:
        shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, each.name) for each in fields(self))

    def __replace__(self, **changes: Any) -> Self:
        return replace(self, **changes)
