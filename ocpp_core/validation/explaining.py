"""Explain a text: which rules it breaks, and what would let it pass.

For people and tools, not for connections: it tries one tolerance after another.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from ocpp_core.action_names import OTHER_ROLE, Role, may_send
from ocpp_core.config import AppliedQuirk, BrokenRule, Effect, Kind, Remedy, Validator
from ocpp_core.messages import Fault, Frame, Leniency, Malformed, MessageType, decode
from ocpp_core.tolerance.profiles import QuirkProfile
from ocpp_core.tolerance.sources import COLLECTIONS, shipped_profiles
from ocpp_core.tolerance.station import repaired_by
from ocpp_core.tolerance.texts import MAX_REPAIRED
from ocpp_core.versions import Version, canonical_code, version_of

from ._bundles import BUNDLED
from ._explain import violation_of
from ._validator import load_validator
from .explanation import Explanation, Mistake

__all__ = ["explain"]

_MAX_TEXT: Final = 4_194_304
_MAX_MISTAKES: Final = 20
_MAX_SHOWN: Final = 100
_STRICT: Final = Leniency()
_KEEP: Final = Remedy(Effect.KEEP)
_KINDS: Final[dict[str, Kind]] = {"CALL": "call", "CALLRESULT": "result", "SEND": "send"}
_FORMATS: Final = {
    "ocpp1.6": "OCPP-J 1.6 §4.2",
    "ocpp2.0.1": "OCPP 2.0.1 Part 4 §4.2",
    "ocpp2.1": "OCPP 2.1 Part 4 §4.2",
}
_CODE_TABLES: Final = {"ocpp1.6": "OCPP-J 1.6 table 7", "ocpp2.0.1": "OCPP 2.0.1 Part 4 table 8"}


def explain(
    text: str | bytes,
    protocol: str = "ocpp1.6",
    *,
    action: str | None = None,
    sender: Role | None = None,
    profiles: Iterable[QuirkProfile] | None = None,
    validator: Validator | None = None,
) -> Explanation:
    """Return which rules a received text breaks, and which quirks and options would let it pass.

    It never raises for a text, and returns at most 20 mistakes. No value of the text is in the explanation.

    Args:
        text: The text as it was received, at most 4 MiB.
        protocol: The subprotocol of its connection.
        action: The action of the CALL that a CALLRESULT answers, which it does not name.
        sender: Who sent it, `station` or `csms`, to check if it may send the action; None checks nothing.
        profiles: The profiles to try; None for those of the library.
        validator: The validator of the subprotocol; None for the bundled one.
    """
    return _Explainer(protocol, action, sender, profiles, validator).explain(text)


@cache
def _bundled(protocol: str) -> Validator:
    return load_validator(protocol)


class _Explainer:
    """Explains one text."""

    def __init__(
        self,
        protocol: str,
        action: str | None,
        sender: Role | None,
        profiles: Iterable[QuirkProfile] | None,
        validator: Validator | None,
    ) -> None:
        shipped = (each for name in COLLECTIONS for each in shipped_profiles(name))
        self._profiles = tuple(shipped if profiles is None else profiles)
        self._protocol = protocol
        self._version: Version = version_of(protocol)
        self._action = action or ""
        self._sender = sender
        self._validator = _bundled(protocol) if validator is None and protocol in BUNDLED else validator
        self._mistakes: list[Mistake] = []
        self._notes: list[str] = []

    def explain(self, text: str | bytes) -> Explanation:
        if isinstance(text, bytes):
            try:
                text = text.decode()
            except UnicodeDecodeError as error:
                detail = f"expected UTF-8, which byte {error.start} is not"
                return self._explanation(None, Mistake("JSON", detail, "RFC 6455 §8.1, RFC 8259 §8.1"))
        if len(text) > _MAX_TEXT:
            return self._explanation(None, Mistake("OCPP-J", f"expected at most {_MAX_TEXT} characters", "this tool"))
        frame = self._decoded(text)
        if frame is not None:
            self._check_frame(frame)
        return self._explanation(frame)

    def _explanation(self, frame: Frame | None, *mistakes: Mistake) -> Explanation:
        found = (*self._mistakes, *mistakes)[:_MAX_MISTAKES]
        if frame is None:
            return Explanation(self._protocol, action=self._action, mistakes=found, notes=tuple(self._notes))
        kind = MessageType(frame[0]).name
        return Explanation(self._protocol, kind, self._action[:_MAX_SHOWN], frame[1], found, tuple(self._notes))

    # The text

    def _decoded(self, text: str) -> Frame | None:
        """Return the message that the text is, or that it would be with a tolerance; note the mistake."""
        types = self._version.message_types
        frame = decode(text, types)
        if not isinstance(frame, Malformed):
            return frame
        accepted: list[Frame] = []
        lenient: list[str] = []
        for each in fields(Leniency):
            better = decode(text, types, Leniency(**{each.name: True}))
            if not isinstance(better, Malformed):
                accepted.append(better)
                lenient.append(each.name)
        quirks = []
        for profile in self._profiles:
            if not (profile.mend_text or profile.replace_text or profile.leniency != _STRICT):
                continue
            better, names = self._repaired(text, profile, lenient)
            if not isinstance(better, Malformed):
                accepted.append(better)
                quirks += [AppliedQuirk(profile.name, name) for name in names]
        options = tuple(f"leniency=Leniency({name}=True)" for name in lenient)
        self._mistakes.append(self._malformed(text, frame, tuple(quirks), options))
        return accepted[0] if accepted else None

    def _repaired(
        self, text: str, profile: QuirkProfile, lenient: Iterable[str]
    ) -> tuple[Frame | Malformed, list[str]]:
        """Return what a text is with a profile, and the repairs or the leniencies of the profile that it needs."""
        mended, applied = repaired_by((profile,), text) if len(text) <= MAX_REPAIRED else (text, [])
        names = [each.quirk for each in applied] or [name for name in lenient if getattr(profile.leniency, name)]
        return decode(mended, self._version.message_types, profile.leniency), names

    def _malformed(
        self, text: str, malformed: Malformed, quirks: tuple[AppliedQuirk, ...], options: tuple[str, ...]
    ) -> Mistake:
        problem = _json_problem(text)
        if problem:
            return Mistake("JSON", problem, "RFC 8259", quirks=quirks, options=options)
        source = _FORMATS.get(self._protocol, "OCPP-J")
        if malformed.fault is Fault.EMPTY:
            return Mistake("JSON", "expected a JSON array, got an empty text", source, is_accepted=True)
        return Mistake("OCPP-J", malformed.reason, source, quirks=quirks, options=options)

    # The message

    def _check_frame(self, frame: Frame) -> None:
        name = MessageType(frame[0]).name
        if name in ("CALL", "SEND"):
            self._action = frame[2]
            self._check_action(frame)
        elif name in ("CALLERROR", "CALLRESULTERROR"):
            self._check_code(frame[2])
        if name in _KINDS:
            self._check_payload(_KINDS[name], frame[-1])

    def _check_action(self, frame: Frame) -> None:
        validator, action = self._validator, self._action
        if validator is not None and not validator.has(action):
            near = get_close_matches(action[:_MAX_SHOWN], getattr(validator, "actions", ()), 1)
            advice = f"; did you mean {near[0]}?" if near else ""
            detail = f"expected an action of {self._protocol}{advice}"
            self._mistakes.append(Mistake("action", detail, _FORMATS.get(self._protocol, "OCPP-J")))
        elif self._sender is not None and not may_send(self._sender, action, (self._protocol,)):
            detail = f"expected from the {OTHER_ROLE[self._sender]}, got it from the {self._sender}"
            self._mistakes.append(Mistake("action", detail, f"messages of {self._protocol}", is_accepted=True))
        if frame[0] == MessageType.SEND and action not in self._version.send_actions:
            detail = "expected a CALL, since this action has a response"
            self._mistakes.append(Mistake("OCPP-J", detail, "OCPP 2.1 Part 4 §4.1.3"))

    def _check_code(self, code: str) -> None:
        known = canonical_code(code)
        if known is None or self._version.spell(known) != code:
            expected = f"expected {self._version.spell(known)}" if known else f"expected a code of {self._protocol}"
            source = _CODE_TABLES.get(self._protocol, "OCPP 2.1 Part 4 table 8")
            self._mistakes.append(Mistake("error code", expected, source, is_accepted=True))

    # The payload

    def _check_payload(self, kind: Kind, payload: Any) -> None:
        validator, action = self._validator, self._action
        if validator is None:
            self._notes.append(f"the payload was not checked: {self._protocol} has no validator")
        elif not action:
            self._notes.append("the payload was not checked: pass the action of the CALL")
        elif (violation := _checked(validator, kind, action, payload)) is not None:
            found: list[BrokenRule] = []
            mended = validator.mend(kind, action, payload, _noting(found))
            source = f"schema of {action[:_MAX_SHOWN]}, {self._protocol}"
            if mended is None and not found:
                self._mistakes.append(Mistake(violation.keyword or "schema", violation.description, source, violation))
            self._mistakes += [self._broken(kind, action, rule, source) for rule in found]

    def _broken(self, kind: Kind, action: str, rule: BrokenRule, source: str) -> Mistake:
        quirks = tuple(self._remedies(kind, action, rule))
        options = ("leniency=Leniency(null_members=True)",) if rule.value is None else ()
        violation = violation_of(rule)
        detail = f"{violation.description}, got {violation.got}"
        return Mistake(rule.keyword, detail, source, violation, quirks, options)

    def _remedies(self, kind: Kind, action: str, rule: BrokenRule) -> Iterator[AppliedQuirk]:
        for profile in self._profiles:
            for quirk in profile.quirks:
                if quirk.is_for(kind, action) and quirk.covers(rule.path) and quirk.remedy(rule) is not None:
                    yield AppliedQuirk(profile.name, quirk.kind, quirk.at)
                    break


def _noting(found: list[BrokenRule]) -> Any:
    def note(rule: BrokenRule) -> Remedy | None:
        if len(found) >= _MAX_MISTAKES:
            return None
        found.append(rule)
        return _KEEP

    return note


def _checked(validator: Validator, kind: Kind, action: str, payload: Any) -> Any:
    checks = {"call": validator.check_call, "result": validator.check_result, "send": validator.check_send}
    return checks[kind](action, payload)


def _json_problem(text: str) -> str:
    """Return where and why a text is not JSON; empty if it is, or if the reason is not the grammar."""
    if not text or text.isspace():
        return ""
    try:
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return f"{error.msg} at line {error.lineno}, column {error.colno} of the text"
    except ValueError:
        return "expected numbers, got NaN or Infinity"
    except RecursionError:
        return ""
    return ""


def _refuse(name: str) -> None:
    raise ValueError(name)
