"""The names of properties on the wire and in Python, for each object of each message.

The tables are generated (`v16/_names.py`, `v201/_names.py`, `v21/_names.py`) and loaded when the first message of their
version needs them.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Final, Literal, TypeAlias

Module: TypeAlias = Literal["call", "call_result"]

_FOLDERS: Final = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
_TABLES: Final = {"call": "REQUESTS", "call_result": "RESPONSES"}


class ObjectNames:
    """The names of the properties of one object."""

    __slots__ = ("parts", "to_python", "to_wire")

    def __init__(self) -> None:
        self.to_python: dict[str, str] = {}
        """Property -> its name in the payloads that programs read."""
        self.to_wire: dict[str, str] = {}
        """Each name that a program may use -> the property. A property's own name is one of them."""
        self.parts: dict[str, ObjectNames] = {}
        """Property -> the names of the object in it, or of each object in its list."""


def object_names(ocpp_version: str, module: Module, action: str) -> ObjectNames | None:
    """Return the names of a payload's properties, or None if the version or the action is unknown.

    Args:
        ocpp_version: `"1.6"`, `"2.0.1"` or `"2.1"`.
        module: `"call"` for a request, `"call_result"` for a response.
        action: The action, as in a message.
    """
    folder = _FOLDERS.get(ocpp_version)
    return None if folder is None else _messages(folder, module).get(action)


@cache
def _messages(folder: str, module: Module) -> Mapping[str, ObjectNames]:
    generated = import_module(f"ocpp_transports.compat.{folder}._names")
    table = _TABLES[module]
    objects = _objects(generated.DATATYPES, generated.DATATYPES_ALSO)
    _connect(objects, generated.DATATYPES, objects)
    messages = _objects(getattr(generated, table), getattr(generated, f"{table}_ALSO"))
    _connect(messages, getattr(generated, table), objects)
    return messages


_Properties: TypeAlias = Mapping[str, Mapping[str, str | tuple[str, str]]]


def _objects(table: _Properties, also: Mapping[str, Mapping[str, str]]) -> dict[str, ObjectNames]:
    made: dict[str, ObjectNames] = {}
    for key, properties in table.items():
        names = made[key] = ObjectNames()
        names.to_python = {wire: name if isinstance(name, str) else name[0] for wire, name in properties.items()}
        names.to_wire = {wire: wire for wire in properties}
        names.to_wire |= {name: wire for wire, name in names.to_python.items()}
        names.to_wire |= also.get(key, {})
    return made


def _connect(made: dict[str, ObjectNames], table: _Properties, datatypes: Mapping[str, ObjectNames]) -> None:
    for key, properties in table.items():
        made[key].parts = {wire: datatypes[name[1]] for wire, name in properties.items() if isinstance(name, tuple)}
