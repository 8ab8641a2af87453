"""The classes that a recording may contain, by the names that it has for them."""

from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Final, get_args

from ocpp_core import inputs
from ocpp_core.actions import Dispatch
from ocpp_core.backoff import ExponentialBackoff, OCPPBackoff
from ocpp_core.config import (
    ClientConfig,
    Compression,
    LinkConfig,
    SessionConfig,
    UpgradeTarget,
    ValidationRule,
)
from ocpp_core.messages import Leniency
from ocpp_core.outbox import commands
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored import outcomes, records
from ocpp_core.tolerance import profiles, quirks
from ocpp_core.versions import OCPP16, OCPP21, OCPP201, Version

__all__ = ["BUNDLED_VERSIONS", "CLASSES", "ENUMS", "INPUTS"]

_SETTINGS: Final = (
    ClientConfig,
    Compression,
    Dispatch,
    ExponentialBackoff,
    Leniency,
    LinkConfig,
    OCPPBackoff,
    OutboxConfig,
    SessionConfig,
    UpgradeTarget,
    ValidationRule,
    Version,
)
_UNIONS: Final = (
    inputs.ClientInput,
    inputs.ServerInput,
    inputs.StackInput,
    inputs.LinkInput,
    commands.OutboxInput,
)


def _named(classes: Iterable[type]) -> dict[str, type]:
    return {cls.__name__: cls for cls in classes}


def _in_modules() -> Iterator[type]:
    """Return the records of a store, and the data of quirk profiles."""
    for module in (records, outcomes, profiles, quirks):
        yield from (getattr(module, name) for name in module.__all__ if isinstance(getattr(module, name), type))


INPUTS: Final[dict[str, type[Any]]] = _named(cls for union in _UNIONS for cls in get_args(union))
"""The inputs of engines."""
CLASSES: Final[dict[str, type[Any]]] = INPUTS | _named([*_SETTINGS, *filter(is_dataclass, _in_modules())])
"""The inputs, and all dataclasses within them and within settings."""
ENUMS: Final[dict[str, type[Enum]]] = _named(cls for cls in _in_modules() if issubclass(cls, Enum))
"""The enumerations within them."""
BUNDLED_VERSIONS: Final = {version.name: version for version in (OCPP16, OCPP201, OCPP21)}
"""The versions that are recorded by their names only."""
