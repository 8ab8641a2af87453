"""What the two packages contain: modules, names, and the present spelling of a name."""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

OLD: Final = "ocpp"
NEW: Final = "ocpp_transports.compat"

_UNKNOWN: Final = object()


def canonical(path: str) -> str | None:
    """Return a dotted path of either package as one of `ocpp`, or None if it is of neither."""
    for package in (OLD, NEW):
        if path == package or path.startswith(f"{package}."):
            return OLD + path.removeprefix(package)
    return None


@dataclass(frozen=True, slots=True)
class Known:
    """A name of the package: where it is, and its object in `ocpp_transports.compat`."""

    path: str
    value: Any


@cache
def module(path: str) -> ModuleType | None:
    """Return the module that replaces `ocpp` or `ocpp.…`, or None if there is none."""
    name = NEW + path.removeprefix(OLD)
    parts = path.split(".")
    if parts[0] != OLD or any(part.startswith("_") or part == "migrate" for part in parts):
        return None
    try:
        return import_module(name) if find_spec(name) else None
    except ModuleNotFoundError:  # a parent is no package
        return None


@cache
def known(path: str) -> Known | None:
    """Return what a dotted path of the package `ocpp` names, or None if `ocpp_transports.compat` has no such name."""
    if (found := module(path)) is not None:
        return Known(path, found)
    parent, _, name = path.rpartition(".")
    if not parent or (owner := known(parent)) is None:
        return None
    value = getattr(owner.value, name, _UNKNOWN)
    return None if value is _UNKNOWN else Known(path, value)


def present(path: str) -> str:
    """Return the present spelling of the last name of a path: `Heartbeat` for `ocpp.v16.call.HeartbeatPayload`."""
    owner, _, name = path.rpartition(".")
    found, parent = known(path), known(owner) if owner else None
    if found is None or parent is None:
        return name
    if isinstance(parent.value, ModuleType):
        return _class_name(parent.value, found.value, name)
    return str(found.value.name) if isinstance(found.value, Enum) else name


def _class_name(owner: ModuleType, value: Any, name: str) -> str:
    if not isinstance(value, type) or value.__module__ != owner.__name__:
        return name
    if name.endswith("Payload") and hasattr(owner, name.removesuffix("Payload")):
        return name.removesuffix("Payload")
    return value.__name__
