"""Objects that connections with the same options share: thousands of them would have a copy each."""

from collections.abc import Hashable, Mapping
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from ocpp_core.config import SessionConfig

__all__ = ["key_of", "shared"]

_Config = TypeVar("_Config")

_configs: Final[WeakValueDictionary[Hashable, Any]] = WeakValueDictionary()
"""The configs in use, by their classes and settings."""


def key_of(settings: Mapping[str, Any]) -> Hashable | None:
    """Return a key that equals that of the same settings only, also where True equals 1; None if one has no hash."""
    key: Hashable = _frozen(settings)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(given: Any) -> Any:
    """Return what stands for a value in a key."""
    if isinstance(given, SessionConfig):
        return id(given)  # no other object gets it: the config with this key keeps this one
    if isinstance(given, Mapping):
        return tuple((name, type(item), _frozen(item)) for name, item in given.items())
    return tuple(given) if type(given) is list else given


def shared(config: type[_Config], settings: Mapping[str, Any]) -> _Config:
    """Return the config of this class with these settings, a new one only if no connection uses such a one.

    Raises the errors of the class.
    """
    key = key_of(settings)
    if key is None:
        return config(**settings)
    made: _Config | None = _configs.get((config, key))
    if made is None:
        made = _configs[config, key] = config(**settings)
    return made
