"""The five OCPP-J messages: decode and encode their JSON text.

A decoded message is the checked JSON array itself (`Frame`): no object is built for it, because decoding runs
once per message on servers with thousands of stations. `Malformed` describes a text that is not a message.

Sources: OCPP-J 1.6 §4.2, OCPP 2.0.1 Part 4 §4.2, OCPP 2.1 Part 4 §4.2.
"""

import re
from collections.abc import Collection
from dataclasses import fields
from enum import Enum, IntEnum
from math import inf
from typing import Any, Final, TypeAlias

from ._dataclasses import dataclass
from ._json import MAX_DEPTH, dumps, loads, loads_with_controls, quote
from ._json._outline import has_more_elements, is_deeper
from ._json._unwritable import find_unwritable

__all__ = [
    "MAX_DEPTH",
    "MAX_DESCRIPTION",
    "MAX_ID_LENGTH",
    "Fault",
    "Frame",
    "Leniency",
    "Malformed",
    "MessageType",
    "decode",
    "encode_error",
    "encode_message",
    "encode_payload",
    "encode_result",
    "expect_size",
    "is_unicode",
    "utf8_length",
]


class MessageType(IntEnum):
    """The first element of every OCPP-J message."""

    CALL = 2
    """A request; it expects a response."""
    CALLRESULT = 3
    """The response to a CALL that succeeded."""
    CALLERROR = 4
    """The response to a CALL that failed."""
    CALLRESULTERROR = 5
    """OCPP 2.1 only: the caller reports that a CALLRESULT was unusable."""
    SEND = 6
    """OCPP 2.1 only: a message without a response."""


MAX_ID_LENGTH: Final = 36
"""Characters of a message ID (OCPP-J 1.6 table 3, 2.0.1 Part 4 table 4)."""
MAX_DESCRIPTION: Final = 255
"""Characters of an errorDescription (OCPP 2.0.1 Part 4 table 7); a longer one is cut when it is sent."""

Frame: TypeAlias = list[Any]
"""A checked message: `[2, id, action, payload]`, `[3, id, payload]`, `[4 or 5, id, code, description, details]`
or `[6, id, action, payload]`."""


class Fault(Enum):
    """The kinds of malformed text, which decide if a response is sent or a call is settled."""

    EMPTY = "empty text"
    UNREADABLE = "no message type and id could be read"
    CALL = "a CALL that breaks the message format"
    ID_TOO_LONG = "a CALL whose id is longer than 36 characters"
    RESULT = "a CALLRESULT that breaks the message format"
    ERROR = "a CALLERROR that breaks the message format"
    RESULT_ERROR = "a CALLRESULTERROR that breaks the message format"
    SEND = "a SEND that breaks the message format"
    UNKNOWN_TYPE = "a message type this version does not know"


@dataclass(slots=True, frozen=True)
class Malformed:
    """A text that is not an OCPP-J message.

    `reason` states what was expected and never contains the text. `message_id` is None if none could be read.
    """

    fault: Fault
    reason: str
    message_id: str | None = None


@dataclass(slots=True, frozen=True, kw_only=True)
class Leniency:
    """Tolerances for peers that break the rules; all are off by default.

    Raises TypeError for a value that is not a bool.
    """

    null_payload: bool = False
    """Read the payload `null` as `{}` (OCPP-J 1.6 tables 4 and 5 allow it, the schemas do not)."""
    numeric_ids: bool = False
    """Read a numeric message ID as its text: `5` as `"5"`; the response contains the text."""
    long_ids: bool = False
    """Accept CALLs whose ID is longer than 36 characters."""
    trailing_elements: bool = False
    """Ignore elements after the last one of a message."""
    binary_messages: bool = False
    """Read binary WebSocket messages as UTF-8 text."""
    control_characters: bool = False
    """Read strings with unescaped line ends and other control characters (RFC 8259 §7 forbids them)."""

    def __post_init__(self) -> None:
        for each in fields(self):
            if not isinstance(getattr(self, each.name), bool):
                raise TypeError(f"expected {each.name} as bool, got {getattr(self, each.name)!r}")


# Possessive quantifiers read a MiB of blanks only once.
_HEAD_OF_BROKEN = re.compile(r'\s*+\[\s*+([2-6])\s*+,(?:\s*+"([^"\\\x00-\x1f]{0,36})")?')
_STRICT = Leniency()
_CALL: Final = MessageType.CALL.value
_RESULT: Final = MessageType.CALLRESULT.value
# Only the sender of a CALL waits; the other messages never get a response, even if they are malformed.
_UNANSWERED = {
    MessageType.CALLRESULT.value: Fault.RESULT,
    MessageType.CALLERROR.value: Fault.ERROR,
    MessageType.CALLRESULTERROR.value: Fault.RESULT_ERROR,
    MessageType.SEND.value: Fault.SEND,
}


def decode(
    text: str, types: Collection[int], leniency: Leniency = _STRICT, max_elements: float = inf
) -> Frame | Malformed:
    """Decode one message; never raises for any text.

    Args:
        text: The message.
        types: The message types that the negotiated version knows.
        leniency: The tolerances in reading it.
        max_elements: Members, items and empty brackets beyond which it is not parsed, see `SessionConfig`.

    Returns:
        The message as a list, or what is wrong with it.
    """
    if len(text) > max_elements and has_more_elements(text, max_elements):
        return _broken(text, types, f"expected a message of at most {max_elements} elements")
    try:
        frame = loads(text)
    except ValueError:
        frame = _read_leniently(text, leniency)
        if frame is None:
            return _broken(text, types, "expected a JSON array in valid UTF-8 without NaN or Infinity")
    except RecursionError:
        return _broken(text, types, f"expected JSON nested at most {MAX_DEPTH} levels")
    if type(frame) is list and len(frame) == 4:
        kind, message_id, action, payload = frame  # check the most frequent messages first: a valid CALL,
        if (
            type(kind) is int
            and kind == _CALL
            and type(message_id) is str
            and len(message_id) <= MAX_ID_LENGTH
            and type(action) is str
            and action
            and type(payload) is dict
        ):
            return frame
    elif type(frame) is list and len(frame) == 3:
        kind, message_id, payload = frame  # or a valid CALLRESULT
        if (
            type(kind) is int
            and kind == _RESULT
            and _RESULT in types
            and type(message_id) is str
            and type(payload) is dict
        ):
            return frame
    return _check(frame, types, leniency)


def _read_leniently(text: str, leniency: Leniency) -> Any:
    """Decode malformed JSON as far as the tolerances allow; None if they do not."""
    try:
        return loads_with_controls(text) if leniency.control_characters else None
    except ValueError:
        return None


def _broken(text: str, types: Collection[int], reason: str) -> Malformed:
    """Return the fault of malformed JSON, from the type and the ID at its beginning if they are readable."""
    if not text or text.isspace():
        return Malformed(Fault.EMPTY, "expected a JSON array")
    head = _HEAD_OF_BROKEN.match(text)
    if head is None or int(head[1]) not in types:
        return Malformed(Fault.UNREADABLE, reason)
    message_id: str | None = head[2]
    if message_id is not None and not is_unicode(message_id):
        message_id = None
    fault = _UNANSWERED.get(int(head[1]), Fault.UNREADABLE if message_id is None else Fault.CALL)
    return Malformed(fault, reason, message_id)


def is_unicode(text: str) -> bool:
    """Return True if UTF-8 can encode the text: it has no lone surrogates (RFC 8259 §8.2)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def utf8_length(text: str) -> int:
    """Return the bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def expect_size(text: str, limit: float) -> None:
    """Raise ValueError for an outgoing message of more than `limit` bytes."""
    if 4 * len(text) > limit and (size := utf8_length(text)) > limit:  # no character takes more than four
        raise ValueError(f"expected a message of at most {limit} bytes, got {size}")


def _check(frame: Any, types: Collection[int], leniency: Leniency) -> Frame | Malformed:
    if type(frame) is not list or len(frame) < 1 or type(frame[0]) is not int:
        return Malformed(Fault.UNREADABLE, "expected a JSON array that begins with an integer message type")
    kind = frame[0]
    message_id = frame[1] if len(frame) > 1 else None
    if type(message_id) is int and leniency.numeric_ids:
        message_id = frame[1] = str(message_id)
    if type(message_id) is not str:
        return _without_id(kind, types)
    if kind not in types:
        return Malformed(Fault.UNKNOWN_TYPE, f"expected a message type of this version, got {kind!r}", message_id)
    if kind == MessageType.CALL:
        return _check_call(frame, message_id, leniency)
    if kind == MessageType.CALLRESULT:
        return _check_result(frame, message_id, leniency)
    if kind == MessageType.SEND:
        return _check_send(frame, message_id, leniency)
    return _check_error(frame, message_id, leniency)


def _without_id(kind: int, types: Collection[int]) -> Malformed:
    if kind not in types:
        return Malformed(Fault.UNKNOWN_TYPE, "expected a message type of this version")
    reason = "expected a text message id as second element"
    return Malformed(_UNANSWERED.get(kind, Fault.UNREADABLE), reason)


def _check_call(frame: Frame, message_id: str, leniency: Leniency) -> Frame | Malformed:
    if len(message_id) > MAX_ID_LENGTH and not leniency.long_ids:
        reason = f"expected a message id of at most {MAX_ID_LENGTH} characters"
        return Malformed(Fault.ID_TOO_LONG, reason, message_id)
    if problem := _body_problem(frame, leniency):
        return Malformed(Fault.CALL, problem, message_id)
    return frame


def _check_send(frame: Frame, message_id: str, leniency: Leniency) -> Frame | Malformed:
    if problem := _body_problem(frame, leniency):
        return Malformed(Fault.SEND, problem, message_id)
    return frame


def _body_problem(frame: Frame, leniency: Leniency) -> str | None:
    """Return what is wrong with a CALL or SEND, `[type, id, action, {payload}]`.

    None if nothing.
    """
    if len(frame) != 4 and not _cut(frame, 4, leniency):
        return f"expected 4 elements: [{frame[0]}, id, action, payload]"
    if type(frame[2]) is not str or not frame[2]:
        return "expected an action name as third element"
    if type(frame[3]) is not dict and not _fill(frame, 3, leniency):
        return "expected a JSON object as payload"
    return None


def _check_result(frame: Frame, message_id: str, leniency: Leniency) -> Frame | Malformed:
    if len(frame) != 3 and not _cut(frame, 3, leniency):
        return Malformed(Fault.RESULT, "expected 3 elements: [3, id, payload]", message_id)
    if type(frame[2]) is not dict and not _fill(frame, 2, leniency):
        return Malformed(Fault.RESULT, "expected a JSON object as payload", message_id)
    return frame


def _check_error(frame: Frame, message_id: str, leniency: Leniency) -> Frame | Malformed:
    """Check a CALLERROR or CALLRESULTERROR, and correct its fields as far as possible.

    A malformed error of the peer is more useful to the caller than a second error about it. Missing texts and details
    are read as empty. A description that is not a text is read as its JSON, or as the details if there are no others.
    Details that are not an object are kept as `{"details": …}`; as text they also replace an empty description.
    """
    if not 3 <= len(frame) <= 5 and not _cut(frame, 5, leniency):
        return _bad_error(frame, message_id)
    description: Any
    details: Any
    _, _, code, description, details = frame if len(frame) == 5 else [*frame, None, None][:5]
    if type(code) is not str:
        return _bad_error(frame, message_id)
    if type(description) is dict and not details:
        description, details = None, description
    if type(description) is not str:
        description = "" if description is None else dumps(description)
    if type(details) is not dict:
        description = details if type(details) is str and not description else description
        details = {"details": details} if details else {}
    frame[3:] = description, details
    return frame


def _bad_error(frame: Frame, message_id: str) -> Malformed:
    reason = f"expected 5 elements: [{frame[0]}, id, code, description, details]"
    return Malformed(_UNANSWERED[frame[0]], reason, message_id)


def _cut(frame: Frame, length: int, leniency: Leniency) -> bool:
    if not leniency.trailing_elements or len(frame) < length:
        return False
    del frame[length:]
    return True


def _fill(frame: Frame, index: int, leniency: Leniency) -> bool:
    if not leniency.null_payload or frame[index] is not None:
        return False
    frame[index] = {}
    return True


def encode_payload(payload: object) -> str:
    """Return a payload as JSON text.

    Raises TypeError unless `payload` is a dict of JSON values, ValueError for NaN, Infinity, lone surrogates,
    a circular reference or a message that would be nested deeper than `MAX_DEPTH`.
    """
    if not isinstance(payload, dict):
        raise TypeError(f"expected a dict as payload, got {type(payload).__name__}")
    if not payload:
        return "{}"  # many CALLs and CALLRESULTs are empty
    try:
        text = dumps(payload)
    except RecursionError:
        text = ""
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"expected JSON values in the payload, got {find_unwritable(payload)}") from error
    # The message adds one level, and the peer may have the same limit as this library.
    if not text or (len(text) >= 2 * MAX_DEPTH and is_deeper(text, MAX_DEPTH - 1)):
        raise ValueError(f"expected a payload nested less than {MAX_DEPTH} levels")
    return text


def encode_message(kind: int, message_id: str, action: str, payload_json: str) -> str:
    """Return the text of a CALL (2) or SEND (6) with an encoded payload."""
    return f"[{kind},{quote(message_id)},{quote(action)},{payload_json}]"


def encode_result(message_id: str, payload: object) -> str:
    """Return the text of a CALLRESULT. Raises the errors of `encode_payload`."""
    return f"[3,{quote(message_id)},{encode_payload(payload)}]"


def encode_error(kind: int, message_id: str, code: str, description: str, details: object) -> str:
    """Return the text of a CALLERROR (4) or CALLRESULTERROR (5).

    The description is cut to 255 characters. Raises the errors of `encode_payload` for `details` and the texts.
    """
    texts = ",".join(map(quote, (message_id, code, description[:MAX_DESCRIPTION])))
    text = f"[{kind},{texts},{encode_payload(details)}]"
    if not text.isascii():
        text.encode()
    return text
