"""Writes the methods of a model as code for its members.

`dataclasses` does the same. A loop over the members takes two to three times as long.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol

from ._reading import mapping

__all__ = ["DeclaredMember", "methods_of"]

_CHECKS: Final[Mapping[object, str]] = MappingProxyType(
    {
        str: "type(value) is str",
        int: "type(value) is int",
        float: "type(value) is float or type(value) is int",
        bool: "type(value) is bool",
        dict: "type(value) is dict",
    }
)
"""Kinds whose usual values need no call to be read -> how these are recognised."""


class DeclaredMember(Protocol):
    """What the code needs to know of a member."""

    attribute: str
    element: Any
    many: bool
    required: bool
    wire: str

    def read(self, value: Any) -> Any:
        """Return a value as the member has it. Raises NotConforming."""

    def write(self, value: Any) -> Any:
        """Return a model as its payload. Raises TypeError for anything else."""


def methods_of(members: Sequence[DeclaredMember]) -> dict[str, Any]:
    """Return `__init__`, `_read` and `to_wire` of a model with these members.

    `_read` raises NotConforming without the path of the value.
    """
    names: dict[str, Any] = {"_mapping": mapping, "_new": object.__new__}
    for index, each in enumerate(members):
        names |= {f"_read_{index}": each.read, f"_write_{index}": each.write, f"_model_{index}": each.element}
    code = "\n".join((*_constructor(members), *_reader(members), *_writer(members)))
    exec(code, names)  # noqa: S102 - of identifiers and quoted names alone, never of a payload
    return {name: names[name] for name in ("__init__", "_read", "to_wire")}


def _constructor(members: Sequence[DeclaredMember]) -> Iterator[str]:
    arguments = (each.attribute if each.required else f"{each.attribute}=None" for each in members)
    yield f"def __init__(self, *, {', '.join((*arguments, 'extra=None'))}):"
    yield from (f"    self.{each.attribute} = {each.attribute}" for each in members)
    yield "    self.extra = extra"


def _reader(members: Sequence[DeclaredMember]) -> Iterator[str]:
    yield "def _read(cls, value):"
    yield "    payload = value if type(value) is dict else _mapping(value)"
    yield "    get = payload.get"
    yield "    model = _new(cls)"
    yield f"    known = {sum(each.required for each in members)}"
    for index, each in enumerate(members):
        yield f"    value = get({each.wire!r})"
        if each.required:
            yield f"    model.{each.attribute} = {_reading(index, each)}"
        else:
            yield "    if value is not None:"
            yield "        known += 1"
            yield f"        value = {_reading(index, each)}"
            yield f"    model.{each.attribute} = value"
    yield "    model.extra = None if len(payload) == known else cls._unknown(payload)"
    yield "    return model"


def _reading(index: int, member: DeclaredMember) -> str:
    """Return the expression that reads `value`, with the member for unusual values."""
    if _has_models(member):
        read = f"_model_{index}._read"
        if member.many:
            return f"[{read}(item) for item in value] if type(value) is list else _read_{index}(value)"
        return f"{read}(value)"
    if member.many or member.element not in _CHECKS:
        return f"_read_{index}(value)"
    return f"value if {_CHECKS[member.element]} else _read_{index}(value)"


def _writer(members: Sequence[DeclaredMember]) -> Iterator[str]:
    yield "def to_wire(self):"
    yield "    payload = {} if self.extra is None else dict(self.extra)"
    for index, each in enumerate(members):
        yield f"    if (value := self.{each.attribute}) is not None:"
        yield f"        payload[{each.wire!r}] = {_writing(index, each)}"
    yield "    return payload"


def _writing(index: int, member: DeclaredMember) -> str:
    """Return the expression that writes `value`."""
    if not _has_models(member):
        return "value"
    written = f"item.to_wire() if type(item) is _model_{index} else _write_{index}(item)"
    return f"[{written} for item in value]" if member.many else written.replace("item", "value")


def _has_models(member: DeclaredMember) -> bool:
    return hasattr(member.element, "to_wire")
