"""The quirks of the peer of one connection: those of all profiles that match what is known about it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property, partial
from typing import Any, Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import AppliedQuirk, BrokenRule, Kind, Mended, Remedy, SessionConfig, ValidationRule, Validator
from ocpp_core.messages import Leniency

from .profiles import QuirkProfile, StationFacts, facts_of
from .quirks import Quirk
from .texts import MAX_REPAIRED, REPAIRS

__all__ = ["BOOT", "MatchedQuirks", "QuirkBook", "StationQuirks", "repaired_by"]

BOOT: Final = "BootNotification"
_MAX_KNOWN: Final = 1000
"""Combinations of profiles for which a book keeps the merged quirks; beyond, it begins anew."""
_MAX_REPORTED: Final = 500
"""Quirks that a connection reports: each one once for each action."""
_MAX_TIMES: Final = 100
_FLAGS: Final = tuple(each.name for each in fields(Leniency))


@dataclass(frozen=True)
class MatchedQuirks:
    """The profiles that match a station, merged.

    For a broken rule, the first quirk that concerns it decides, in the order of the profiles. Of a setting, the first
    profile that has it decides. Leniencies and repairs of texts are added up.
    """

    profiles: tuple[QuirkProfile, ...]
    """The profiles, in the order in which they were passed."""

    @cached_property
    def quirks(self) -> Sequence[tuple[str, Quirk]]:
        """The quirks, each with the name of its profile."""
        return [(profile.name, quirk) for profile in self.profiles for quirk in profile.quirks]

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """The options of the connection that the profiles set."""
        merged: dict[str, Any] = {}
        for profile in reversed(self.profiles):
            merged |= profile.options
        return merged

    @cached_property
    def validation(self) -> Sequence[ValidationRule]:
        """The rules of strict mode that the profiles add before those of the connection."""
        return [rule for profile in self.profiles for rule in profile.validation]

    @cached_property
    def error_codes(self) -> Mapping[str, str]:
        """By an error code that the peer sends, the one that it means."""
        merged: dict[str, str] = {}
        for profile in reversed(self.profiles):
            merged |= profile.error_codes
        return merged

    @cached_property
    def default_protocol(self) -> str | None:
        """The subprotocol of a station that offers none."""
        return next((each.default_protocol for each in self.profiles if each.default_protocol), None)

    @cached_property
    def leniencies(self) -> frozenset[str]:
        """The names of the tolerances in reading messages that the profiles turn on."""
        return frozenset(name for name in _FLAGS for each in self.profiles if getattr(each.leniency, name))

    def leniency(self, own: Leniency) -> Leniency:
        """Return the tolerances of an option and of the profiles together."""
        return replace(own, **dict.fromkeys(self.leniencies, True)) if self.leniencies else own


class QuirkBook:
    """The profiles of a client or server, and which of them match."""

    __slots__ = ("_known", "profiles")

    def __init__(self, profiles: Sequence[QuirkProfile]) -> None:
        self.profiles: tuple[QuirkProfile, ...] = tuple(profiles)
        """The profiles, the most important first."""
        self._known: dict[tuple[int, ...], MatchedQuirks] = {}

    def matching(self, facts: StationFacts) -> MatchedQuirks:
        """Return the merged profiles that match; all connections with the same ones share the object."""
        found = tuple(number for number, each in enumerate(self.profiles) if each.match.covers(facts))
        if found not in self._known:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[found] = MatchedQuirks(tuple(self.profiles[number] for number in found))
        return self._known[found]


class StationQuirks:
    """The quirks of the peer of one connection; it implements `ocpp_core.config.Tolerance`.

    A BootNotification that breaks its schema is read for vendor, model and firmware before it is judged, so that the
    quirks of its station apply to it already. The host passes the first accepted one to `learn`; later ones change
    nothing, so that a station cannot choose another model for each message.
    """

    __slots__ = ("_book", "_first", "_reported", "facts", "has_booted", "matched")

    def __init__(self, book: QuirkBook, facts: StationFacts) -> None:
        self._book = book
        self._reported: set[tuple[AppliedQuirk, str]] | None = None  # most connections need no quirk
        self.has_booted: bool = False
        """True after the first call of `learn`."""
        self.facts: StationFacts = facts
        """What is known about the peer."""
        self.matched: MatchedQuirks = book.matching(facts)
        """The profiles in effect."""
        self._first = self.matched

    def learn(self, boot: object) -> bool:
        """Take vendor, model and firmware from the payload of the first BootNotification; ignore further ones.

        Return True if other profiles match now: apply `configured` and `MatchedQuirks.options` again.
        """
        if self.has_booted:
            return False
        self._read(boot)
        self.has_booted = True
        return self.matched is not self._first

    def _read(self, boot: object) -> None:
        """Take what a BootNotification says; what it leaves out is not known any more."""
        if not self.has_booted:
            self.facts = replace(self.facts, **{"vendor": "", "model": "", "firmware": "", **facts_of(boot)})
            self.matched = self._book.matching(self.facts)

    def configured(self, config: SessionConfig) -> SessionConfig:
        """Return the config of a session that tolerates these quirks; the same one if no profile is known."""
        if not self._book.profiles:
            return config
        return config.tolerating(self, self.matched.leniency(config.leniency))

    # `Tolerance`

    def mend(self, validator: Validator, kind: Kind, action: str, payload: object) -> Mended | None:
        """Return a refused payload as it may be delivered; None if it stays refused.

        Args:
            validator: The validator that refused it.
            kind: The type of the message.
            action: The action of the message.
            payload: The payload; it is not changed.
        """
        if action == BOOT and kind == "call":
            self._read(payload)
        quirks = [pair for pair in self.matched.quirks if pair[1].is_for(kind, action)]
        if not quirks:
            return None
        applied: dict[AppliedQuirk, None] = {}

        def find(broken: BrokenRule) -> Remedy | None:
            for profile, quirk in quirks:
                if quirk.covers(broken.path) and (remedy := quirk.remedy(broken)) is not None:
                    applied[AppliedQuirk(profile, quirk.kind, quirk.at)] = None
                    return remedy
            return None

        mended = validator.mend(kind, action, payload, find)
        return None if mended is None else Mended(mended, self._news(applied, action))

    def mend_text(self, text: str) -> Mended | None:
        """Return another text for one that is no message; None if nothing is to be repaired. Never raises."""
        if len(text) > MAX_REPAIRED:
            return None
        mended, applied = repaired_by(self.matched.profiles, text)
        return Mended(mended, self._news(applied, "")) if applied else None

    def code_of(self, code: str) -> str:
        """Return the error code that the peer meant with a received one."""
        return self.matched.error_codes.get(code, code)

    def _news(self, applied: Iterable[AppliedQuirk], action: str) -> list[AppliedQuirk]:
        reported = self._reported = set() if self._reported is None else self._reported
        news = [each for each in applied if (each, action) not in reported]
        news = news[: _MAX_REPORTED - len(reported)]
        reported.update((each, action) for each in news)
        return news


def repaired_by(profiles: Sequence[QuirkProfile], text: str) -> tuple[str, list[AppliedQuirk]]:
    """Return a text as the repairs of these profiles leave it, and those that changed it."""
    applied: list[AppliedQuirk] = []
    for profile in profiles:
        for name, repair in _repairs_of(profile):
            better = _repaired(repair, text)
            if better is not None and better != text:
                text = better
                applied.append(AppliedQuirk(profile.name, name))
    return text, applied


def _repairs_of(profile: QuirkProfile) -> Iterator[tuple[str, Any]]:
    if profile.replace_text:
        yield "replace_text", partial(_replaced, profile.replace_text)
    for each in profile.mend_text:
        yield (each, REPAIRS[each]) if isinstance(each, str) else (getattr(each, "__name__", "mend_text"), each)


def _replaced(parts: Mapping[str, str], text: str) -> str:
    for found, inserted in parts.items():
        text = text.replace(found, inserted, _MAX_TIMES)
    return text


def _repaired(repair: Any, text: str) -> str | None:
    """Return a text as a repair returns it; None if the function of the application raises or returns no text."""
    try:
        better = repair(text)
    except BaseException:  # no exception of the application may end the connection; the text is malformed then
        return None
    return better if isinstance(better, str) else None
