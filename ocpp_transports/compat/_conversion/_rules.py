"""The facts of an OCPP version that a charge point needs, by the name of the version: "1.6", "2.0.1" or "2.1"."""

from functools import cached_property, lru_cache
from typing import Final

from ocpp_core.action_names import ACTION_NAMES
from ocpp_core.validation import SchemaValidator
from ocpp_core.versions import Version, version_of

from ._names import MessageNames
from ._schemas import load_rules

__all__ = ["VersionRules", "rules_of"]

_VERSIONS: Final = ("1.6", "2.0.1", "2.1")


class VersionRules:
    """The error codes, actions, schemas and names of one version. Schemas are loaded when they are first used."""

    def __init__(self, name: str) -> None:
        self.protocol: str = f"ocpp{name}"
        self.version: Version = version_of(self.protocol)
        self.actions: frozenset[str] = ACTION_NAMES[self.protocol]

    @cached_property
    def validator(self) -> SchemaValidator:
        """The validator; it does not check the formats of date-times and URIs."""
        return load_rules(self.protocol)

    @cached_property
    def names(self) -> MessageNames:
        """The names of the properties; the bodies of vendors are not converted."""
        return MessageNames(self.validator, converts_bodies=False)

    @cached_property
    def names_with_bodies(self) -> MessageNames:
        """The names of the properties, if the bodies of vendors are converted as well."""
        return MessageNames(self.validator, converts_bodies=True)


@lru_cache(maxsize=len(_VERSIONS))
def rules_of(ocpp_version: str) -> VersionRules:
    """Return the facts of a version. Raises ValueError for an unknown one."""
    if ocpp_version not in _VERSIONS:
        raise ValueError(f"expected an OCPP version of {', '.join(_VERSIONS)}, got {ocpp_version!r}")
    return VersionRules(ocpp_version)
