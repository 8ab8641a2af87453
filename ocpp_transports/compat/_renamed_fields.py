"""Fields of payloads that were renamed between releases of the package `ocpp`."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

_Class = TypeVar("_Class", bound=type)


def renamed_fields(**names: str) -> Callable[[_Class], _Class]:
    """Return a decorator that lets a dataclass accept former names of fields, and reads and sets them.

    `names` maps each former name to the field's name. A call with both names raises TypeError.
    """

    def decorate(cls: _Class) -> _Class:
        cls.__init__ = _accepting(cls.__init__, names)  # type: ignore[misc]  # the class has no other constructor
        cls._former_fields = names  # type: ignore[attr-defined]  # the migration tool reads it
        for former, name in names.items():
            setattr(cls, former, _alias(name))
        return cls

    return decorate


def _accepting(init: Callable[..., None], names: dict[str, str]) -> Callable[..., None]:
    @wraps(init)
    def accept(self: Any, *args: Any, **values: Any) -> None:
        for former in names.keys() & values.keys():
            name = names[former]
            if name in values:
                raise TypeError(f"expected either `{name}` or its former name `{former}`, got both")
            values[name] = values.pop(former)
        init(self, *args, **values)

    return accept


def _alias(name: str) -> property:
    def read(self: Any) -> Any:
        return getattr(self, name)

    def write(self: Any, value: Any) -> None:
        setattr(self, name, value)

    return property(read, write, doc=f"Former name of `{name}`.")
