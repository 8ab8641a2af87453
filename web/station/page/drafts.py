"""Messages written by hand: their frames and their problems; independent of the document."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from ocpp_apps.station import schema_help as hints
from ocpp_core._json import loads
from ocpp_core.messages import MAX_DEPTH, decode
from ocpp_core.versions import version_of

__all__ = ["Draft", "Verdict", "frame_skeleton", "is_message", "payload_skeleton", "read_frame", "read_payload"]

_CALL: Final = 2
_SEND: Final = 6
_LENGTHS: Final = {_CALL: 4, 3: 3, 4: 5, 5: 5, _SEND: 4}


@dataclass(frozen=True)
class Draft:
    """A parsed message. `kind` selects the schema of its payload; None if it is unknown."""

    frame: list[Any]
    kind: hints.Kind | None

    @property
    def action(self) -> str:
        """The action of a CALL or SEND."""
        return str(self.frame[2])

    @property
    def message_id(self) -> str:
        """The message id."""
        return str(self.frame[1])

    @property
    def payload(self) -> Any:
        """The payload of a CALL or SEND."""
        return self.frame[3]


@dataclass(frozen=True)
class Verdict:
    """The result of checking a text. `draft` is None if the text is not a message."""

    draft: Draft | None
    problem: str | None = None
    remark: str = "Conforms to the schema."

    @property
    def is_good(self) -> bool:
        """True if the text has no problem."""
        return self.draft is not None and self.problem is None

    @property
    def words(self) -> str:
        """The verdict as a text."""
        return self.remark if self.problem is None else self.problem


def payload_skeleton(protocol: str, action: str) -> str:
    """Return the initial payload."""
    return _pretty(hints.skeleton(protocol, action, _first_kind(protocol, action)))


def frame_skeleton(protocol: str, action: str) -> str:
    """Return the initial message."""
    kind = _first_kind(protocol, action)
    number = _SEND if kind == "send" else _CALL
    return _pretty([number, str(uuid4()), action, hints.skeleton(protocol, action, kind)])


def read_payload(protocol: str, action: str, text: str) -> Verdict:
    """Check the text of a payload."""
    try:
        payload = _read(text)
    except ValueError as error:
        return Verdict(None, _not_json(error))
    kind = _first_kind(protocol, action)
    return _judge(protocol, Draft([_SEND if kind == "send" else _CALL, str(uuid4()), action, payload], kind))


def read_frame(protocol: str, text: str) -> Verdict:
    """Check the text of a whole message."""
    try:
        frame = _read(text)
    except ValueError as error:
        return Verdict(None, _not_json(error))
    problem = _shape_problem(frame)
    if problem is not None:
        return Verdict(None, problem)
    if frame[0] not in (_CALL, _SEND):
        return Verdict(Draft(frame, None), remark="A response: its CALL is unknown here, so only its form is checked.")
    return _judge(protocol, Draft(frame, "send" if frame[0] == _SEND else "call"))


def is_message(protocol: str, text: str) -> bool:
    """Return True if a text has the form of a message of this version."""
    return isinstance(decode(text, version_of(protocol).message_types), list)


def _read(text: str) -> Any:
    """Parse JSON as strictly as the peer. Raises ValueError if it is malformed.

    NaN and lone surrogates are rejected. So is deep nesting, which would crash the interpreter of the page.
    """
    try:
        return loads(text)
    except RecursionError:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep") from None


def _judge(protocol: str, draft: Draft) -> Verdict:
    if draft.action not in hints.actions(protocol):
        return Verdict(draft, remark=f"{draft.action} is not an action of {protocol}, so there is no schema to check.")
    if draft.kind not in hints.kinds(protocol, draft.action):
        return Verdict(draft, f"{draft.action} is not a {str(draft.kind).upper()} in {protocol}.")
    return Verdict(draft, hints.problem(protocol, draft.action, draft.payload, draft.kind))


def _shape_problem(frame: Any) -> str | None:
    if not isinstance(frame, list) or not frame or type(frame[0]) is not int or frame[0] not in _LENGTHS:
        return "A message is an array that begins with 2, 3, 4, 5 or 6."
    if len(frame) != _LENGTHS[frame[0]]:
        return f"A message that begins with {frame[0]} has {_LENGTHS[frame[0]]} elements, not {len(frame)}."
    if not isinstance(frame[1], str) or not 0 < len(frame[1]) <= 36:
        return "The message id is a text of 1 to 36 characters."
    if len(frame) > 3 and not isinstance(frame[2], str):
        return "The third element is a text: the action, or the code of the error."
    if not isinstance(frame[-1], dict):
        return "The last element is an object: the payload, or the details of the error."
    return None


def _first_kind(protocol: str, action: str) -> hints.Kind:
    return hints.kinds(protocol, action)[0]


def _not_json(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"Malformed JSON: {error.msg} at line {error.lineno}, column {error.colno}."
    return f"Malformed JSON: {error}."


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def wrapped(protocol: str, action: str, text: str) -> str:
    """Return a message with the text of a payload unchanged, even if it is not JSON."""
    number = _SEND if _first_kind(protocol, action) == "send" else _CALL
    return f'[{number},"{uuid4()}",{json.dumps(action)},{text}]'
