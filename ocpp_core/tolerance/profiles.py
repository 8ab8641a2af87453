"""The profile of a model of station: which stations it is for, and what is tolerated from them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields
from fnmatch import translate
from math import isnan
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import ValidationRule
from ocpp_core.messages import Leniency
from ocpp_core.versions import canonical_code

from .quirks import Quirk
from .texts import REPAIRS

__all__ = ["QuirkProfile", "StationFacts", "StationMatch", "TextRepair", "facts_of"]

TextRepair: TypeAlias = str | Callable[[str], str]
"""A repair of texts that are not JSON: `drop_commas`, `fill_values`, `close_brackets`, or a function of your own."""

_MAX_FACT: Final = 255
"""Characters of a vendor, model or firmware that is compared; a longer text is cut."""
_MAX_REPLACED: Final = 100
"""Characters of a text to find or to insert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationFacts:
    """What is known about the peer of a connection; a text is empty until it is known."""

    protocol: str = ""
    """The negotiated subprotocol."""
    identity: str = ""
    """The identity of the station."""
    path: str = ""
    """The path of the request, without its query."""
    vendor: str = ""
    """The vendor, from the BootNotification."""
    model: str = ""
    """The model, from the BootNotification."""
    firmware: str = ""
    """The version of the firmware, from the BootNotification."""


def facts_of(boot: object) -> Mapping[str, str]:
    """Return vendor, model and firmware of a BootNotification of any version; never raises.

    A member that is missing or not a text is left out: the payload may break its schema.
    """
    if not isinstance(boot, Mapping):
        return {}
    station = boot.get("chargingStation")
    of_2x = station if isinstance(station, Mapping) else {}
    found = {
        "vendor": boot.get("chargePointVendor", of_2x.get("vendorName")),
        "model": boot.get("chargePointModel", of_2x.get("model")),
        "firmware": boot.get("firmwareVersion", of_2x.get("firmwareVersion")),
    }
    return {name: value[:_MAX_FACT] for name, value in found.items() if isinstance(value, str)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StationMatch:
    """The stations that a profile is for: all its patterns must match; without any, it is for every peer.

    A pattern is a text with `*`, `?` and `[…]`, compared without regard to case with the whole text (`fnmatch`). A
    pattern for something that is not known yet does not match, so a profile with `vendor` begins with the
    BootNotification. Raises TypeError for a pattern that is not a text.
    """

    vendor: str | None = None
    """`chargePointVendor` or `chargingStation.vendorName`."""
    model: str | None = None
    """`chargePointModel` or `chargingStation.model`."""
    firmware: str | None = None
    """`firmwareVersion` or `chargingStation.firmwareVersion`; absent, it does not match."""
    identity: str | None = None
    """The identity of the station."""
    path: str | None = None
    """The path of the request, without its query; of a client the path of its endpoint with the identity."""
    protocol: str | None = None
    """The subprotocol, as `ocpp1.6`."""
    _patterns: tuple[tuple[str, re.Pattern[str]], ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        patterns = []
        for each in fields(StationFacts):
            pattern = getattr(self, each.name)
            if pattern is None:
                continue
            if not isinstance(pattern, str) or not pattern:
                raise TypeError(f"expected {each.name} as a pattern, got {pattern!r}")
            patterns.append((each.name, re.compile(translate(pattern.lower()))))
        object.__setattr__(self, "_patterns", tuple(patterns))

    def covers(self, facts: StationFacts) -> bool:
        """Return True if every pattern matches."""
        return all(_matches(pattern, getattr(facts, name)) for name, pattern in self._patterns)

    def covers_protocol(self, protocol: str) -> bool:
        """Return True if stations of this subprotocol may match."""
        return all(_matches(pattern, protocol) for name, pattern in self._patterns if name == "protocol")


def _matches(pattern: re.Pattern[str], fact: str) -> bool:
    return bool(fact) and pattern.match(fact.lower()) is not None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuirkProfile:
    """What is tolerated from a model of station.

    Raises TypeError or ValueError for a field that is not as described.
    """

    name: str
    """The name, for events and messages."""
    match: StationMatch = field(default_factory=StationMatch)
    """The stations that it is for."""
    about: str = ""
    """What these stations do, in a sentence."""
    references: Sequence[str] = ()
    """Where it was reported, as `owner/project#123`."""
    quirks: Sequence[Quirk] = ()
    """Forgiveness and repairs of payloads that break their schema; they need strict mode."""
    leniency: Leniency = field(default_factory=Leniency)
    """Tolerances in reading messages, added to those of the option `leniency`."""
    mend_text: Sequence[TextRepair] = ()
    """Repairs of texts that are not JSON, in order."""
    replace_text: Mapping[str, str] = field(default_factory=dict)
    """Texts to replace in texts that are not JSON, before `mend_text`; at most 100 characters and 100 times each."""
    error_codes: Mapping[str, str] = field(default_factory=dict)
    """By an error code that the peer sends, the one of OCPP that it means."""
    default_protocol: str | None = None
    """The subprotocol of a station that offers none, or only names that are not those of an OCPP version. The patterns
    `identity` and `path` decide then, or none. The 101 names no subprotocol (RFC 6455 §4.2.2)."""
    validation: Sequence[ValidationRule] = ()
    """Rules of strict mode for these stations, before those of the option `strict_mode_rules`."""
    ping_interval: float | None = None
    """Seconds between pings, 0 for none; None leaves it to the option. So do the following."""
    pong_timeout: float | None = None
    """Seconds to wait for a pong, 0 for ever."""
    call_timeout: float | None = None
    """Seconds to wait for the response to a CALL."""
    call_concurrency: int | None = None
    """CALLs of this side in progress at a time; 1 for stations that confuse several."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f"expected the name of a profile as a text, got {self.name!r}")
        for name, kind in (("match", StationMatch), ("leniency", Leniency), ("about", str)):
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{self.name}: expected {name} as {kind.__name__}, got {getattr(self, name)!r}")
        if self.default_protocol is not None and not (self.default_protocol and _is_text(self.default_protocol)):
            raise TypeError(f"{self.name}: expected default_protocol as a name, got {self.default_protocol!r}")
        for name in ("references", "quirks", "mend_text", "validation"):
            object.__setattr__(self, name, self._tuple_of(name))
        for name in ("replace_text", "error_codes"):
            object.__setattr__(self, name, self._texts_by_text(name))
        self._expect_items()
        self._expect_texts()
        for name in (*_SECONDS, "call_concurrency"):
            self._expect_number(name, getattr(self, name))

    def _tuple_of(self, name: str) -> tuple[Any, ...]:
        given = getattr(self, name)
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"{self.name}: expected {name} as a list, got {given!r}")
        return tuple(given)

    def _texts_by_text(self, name: str) -> Mapping[str, str]:
        given = getattr(self, name)
        if not isinstance(given, Mapping) or not all(map(_is_text, (*given, *given.values()))):
            raise TypeError(f"{self.name}: expected {name} as a table of texts by texts, got {given!r}")
        return MappingProxyType(dict(given))

    def _expect_items(self) -> None:
        for quirk in self.quirks:
            if not isinstance(quirk, Quirk):
                raise TypeError(f"{self.name}: expected quirks as Quirk objects, got {quirk!r}")
        for rule in self.validation:
            if not isinstance(rule, ValidationRule):
                raise TypeError(f"{self.name}: expected validation as ValidationRule objects, got {rule!r}")
        for repair in self.mend_text:
            if not callable(repair) and repair not in REPAIRS:
                raise ValueError(f"{self.name}: expected mend_text as some of {', '.join(REPAIRS)}, got {repair!r}")

    def _expect_texts(self) -> None:
        for reference in self.references:
            if not _is_text(reference):
                raise TypeError(f"{self.name}: expected references as texts, got {reference!r}")
        for code in self.error_codes.values():
            if canonical_code(code) is None:
                raise ValueError(f"{self.name}: expected error_codes with codes of OCPP as values, got {code!r}")
        for found, inserted in self.replace_text.items():
            if not found or len(found) > _MAX_REPLACED or len(inserted) > _MAX_REPLACED:
                raise ValueError(f"{self.name}: expected replace_text of 1 to {_MAX_REPLACED} characters")

    def _expect_number(self, name: str, value: Any) -> None:
        if value is None:
            return
        least = _SECONDS.get(name, 1)
        is_number = isinstance(value, int if name == "call_concurrency" else (int, float))
        if not is_number or isinstance(value, bool) or isnan(value) or value < least:
            unit = "calls" if name == "call_concurrency" else "seconds"
            raise ValueError(f"{self.name}: expected {name} >= {least} {unit}, got {value!r}")

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of a connection that the profile sets, with their values."""
        given = {name: getattr(self, name) for name in (*_SECONDS, "call_concurrency")}
        return {name: value for name, value in given.items() if value is not None}


_SECONDS: Final[Mapping[str, float]] = MappingProxyType({"ping_interval": 0, "pong_timeout": 0, "call_timeout": 0.001})


def _is_text(value: object) -> bool:
    return isinstance(value, str)
