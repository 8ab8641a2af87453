"""Explain a text: which rules it breaks, and what would let it pass.

For people and tools, not for connections: it tries one tolerance after another.
"""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from ocpp_core.action_names import OTHER_ROLE, Role, may_send
from ocpp_core.config import AppliedQuirk, BrokenRule, Effect, Kind, Remedy, Validator
from ocpp_core.messages import Fault, Frame, Leniency, Malformed, MessageType, decode
from ocpp_core.tolerance.profiles import QuirkProfile
from ocpp_core.tolerance.sources import COLLECTIONS, Quirks, read_quirks
from ocpp_core.tolerance.station import repaired_by
from ocpp_core.tolerance.texts import MAX_REPAIRED
from ocpp_core.versions import Version, canonical_code, version_of

from ._bundles import BUNDLED
from ._explain import shown, violation_of
from ._trial import Trial
from ._validator import load_validator
from .explanation import Explanation, Mistake

__all__ = ["explain"]

_MAX_TEXT: Final = 4_194_304
_MAX_MISTAKES: Final = 20
_MAX_SHOWN: Final = 100
_FLAGS: Final = tuple(each.name for each in fields(Leniency))
_OF_TEXTS: Final = ("control_characters",)
"""The tolerances that matter for a text that is not JSON."""
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
    profiles: Quirks | None = None,
    validator: Validator | None = None,
) -> Explanation:
    """Return which rules a received text breaks, and which quirks and options would let it pass.

    It never raises for a text, and returns at most 20 mistakes. No value of the text is in the explanation; the name of
    an unknown action or member is if it is short and plain.

    Args:
        text: The text as it was received, at most 4 MiB.
        protocol: The subprotocol of its connection.
        action: The action of the CALL that a CALLRESULT answers, which it does not name.
        sender: Who sent it, `station` or `csms`, to check if it may send the action; None checks nothing.
        profiles: The profiles to try, as the option `quirks` takes them; None for those of the library.
        validator: The validator of the subprotocol; None for the bundled one.

    Raises:
        ValueError: The `sender` is unknown, or a file does not describe profiles.
        OSError: A file of profiles cannot be read.
        TypeError: `profiles` is something else.
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
        profiles: Quirks | None,
        validator: Validator | None,
    ) -> None:
        self._profiles = read_quirks(COLLECTIONS if profiles is None else profiles)
        self._protocol = protocol
        self._version: Version = version_of(protocol)
        self._action = action or ""
        if sender is not None and sender not in OTHER_ROLE:
            raise ValueError(f"expected sender as one of {', '.join(OTHER_ROLE)}, got {sender!r}")
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
        kind, message_id = MessageType(frame[0]).name, frame[1][:_MAX_SHOWN]
        action = self._action if self._knows_action() else shown(self._action) if self._action else ""
        return Explanation(self._protocol, kind, action, message_id, found, tuple(self._notes))

    def _knows_action(self) -> bool:
        return self._validator is not None and self._validator.has(self._action)

    # The text

    def _decoded(self, text: str) -> Frame | None:
        """Return the message that the text is, or that it would be with a tolerance; note the mistake."""
        types = self._version.message_types
        frame = decode(text, types)
        if not isinstance(frame, Malformed):
            self._check_text(text)
            return frame
        problem = _json_problem(text)
        accepted: list[Frame] = []
        lenient: list[str] = []
        for name in _OF_TEXTS if problem else _FLAGS:
            better = decode(text, types, Leniency(**{name: True}))
            if not isinstance(better, Malformed):
                accepted.append(better)
                lenient.append(name)
        quirks = []
        for profile in self._profiles:
            repaired, names = self._repaired(text, profile, lenient, is_json=not problem)
            if not isinstance(repaired, Malformed | None):
                accepted.append(repaired)
                quirks += [AppliedQuirk(profile.name, name) for name in names]
        options = tuple(f"leniency=Leniency({name}=True)" for name in lenient)
        self._mistakes.append(self._malformed(problem, frame, tuple(quirks), options))
        return accepted[0] if accepted else None

    def _check_text(self, text: str) -> None:
        """Note what a message has that `decode` reads without a tolerance."""
        repeated: dict[str, None] = {}

        def note(members: list[tuple[str, Any]]) -> dict[str, Any]:
            made = dict(members)
            if len(made) < len(members):
                counts = Counter(name for name, _ in members)
                repeated.update(dict.fromkeys(shown(name) for name, count in counts.items() if count > 1))
            return made

        try:
            frame = json.loads(text, object_pairs_hook=note)
        except ValueError:  # a number that the faster parser reads
            return
        source = _FORMATS.get(self._protocol, "OCPP-J")
        if frame[0] in (MessageType.CALLERROR, MessageType.CALLRESULTERROR) and len(frame) != 5:
            detail = f"expected 5 elements: [{frame[0]}, id, code, description, details], got {len(frame)}"
            self._mistakes.append(Mistake("OCPP-J", detail, source, is_accepted=True))
        for name in list(repeated)[:_MAX_MISTAKES]:
            detail = f"expected each member once, got {name} again: the last one is read"
            self._mistakes.append(Mistake("JSON", detail, "RFC 8259 §4", is_accepted=True))

    def _repaired(
        self, text: str, profile: QuirkProfile, lenient: Collection[str], *, is_json: bool
    ) -> tuple[Frame | Malformed | None, list[str]]:
        """Return what a text is with a profile, and the repairs or the leniencies of the profile that it needs."""
        mended, applied = repaired_by((profile,), text) if len(text) <= MAX_REPAIRED else (text, [])
        useful = _FLAGS if applied or is_json else _OF_TEXTS
        if not applied and not any(getattr(profile.leniency, name) for name in useful):
            return None, []
        names = [each.quirk for each in applied] or [name for name in lenient if getattr(profile.leniency, name)]
        return decode(mended, self._version.message_types, profile.leniency), names

    def _malformed(
        self, problem: str, malformed: Malformed, quirks: tuple[AppliedQuirk, ...], options: tuple[str, ...]
    ) -> Mistake:
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
        if validator is not None and not self._knows_action():
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
        elif not self._knows_action():
            self._notes.append(f"the payload was not checked: {self._protocol} has no schema for the action")
        elif (violation := _checked(validator, kind, action, payload)) is not None:
            found: list[BrokenRule] = []
            mended = validator.mend(kind, action, payload, _noting(found))
            source = f"schema of {action}, {self._protocol}"
            if mended is None and not found:
                self._mistakes.append(Mistake(violation.keyword or "schema", violation.description, source, violation))
            trial = Trial(validator, kind, action, payload, found)
            self._mistakes += [self._broken(trial, rule, source) for rule in found]

    def _broken(self, trial: Trial, rule: BrokenRule, source: str) -> Mistake:
        quirks = [trial.applied(profile, rule) for profile in self._profiles]
        violation = violation_of(rule)
        detail = f"{violation.description}, got {violation.got}"
        return Mistake(rule.keyword, detail, source, violation, tuple(filter(None, quirks)))


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
    except _NotANumberError:
        return "expected numbers, got NaN or Infinity"
    except ValueError:
        return "expected integers of at most 4300 digits"
    except RecursionError:
        return ""
    return ""


class _NotANumberError(Exception):
    """A constant that JSON does not have."""


def _refuse(name: str) -> None:
    raise _NotANumberError(name)
