"""The engine's configs, which connections with equal options share: thousands of them would have a copy each."""

from collections.abc import Hashable, Mapping
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from ocpp_core.backoff import ExponentialBackoff, OCPPBackoff
from ocpp_core.config import Compression, ValidationRule
from ocpp_core.messages import Leniency

__all__ = ["shared"]

_Config = TypeVar("_Config")

_VALUES: Final = frozenset(
    {bool, int, float, str, type(None), Compression, ExponentialBackoff, Leniency, OCPPBackoff, ValidationRule}
)
"""Classes whose equal objects behave alike, and hold nothing of the application."""
_configs: Final[WeakValueDictionary[Hashable, Any]] = WeakValueDictionary()
"""The configs in use, by their classes and settings."""


def shared(config: type[_Config], settings: Mapping[str, Any]) -> _Config:
    """Return the config of this class with these settings: that of another connection, if there is one.

    Raises the errors of the class.
    """
    key = config, _key_of(settings)
    made: _Config | None = _configs.get(key)
    if made is None:
        made = _configs[key] = config(**settings)
    return made


def _key_of(setting: Any) -> Hashable:
    """Return a key that equals that of the same setting only, also where True equals 1.

    What belongs to the application is named by its identity. The config keeps it, so no other object gets that while
    the key is in use. The key must not keep it: if it led to the client, neither would ever be released.
    """
    kind = type(setting)
    if kind in _VALUES:
        return kind, setting
    if kind is tuple or kind is list:
        return kind, *map(_key_of, setting)
    if isinstance(setting, Mapping):
        return tuple((name, _key_of(item)) for name, item in setting.items())
    return id(setting)
