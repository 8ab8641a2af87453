"""The frames between nodes: one JSON array each, whose first element is the version of this protocol.

Every frame of a node on one life of its process has a sender that its carrier knows; no frame names it again. Times
are seconds that are left, never times of day: the clocks of two nodes differ.
"""

import re
from enum import StrEnum
from typing import Any, Final, TypeAlias, assert_never

from ocpp_core._dataclasses import dataclass
from ocpp_core._json import MAX_DEPTH, dumps, is_deeper, loads, quote
from ocpp_core.cluster.records import NodeId

__all__ = [
    "MAX_NUMBER",
    "MAX_PROBED",
    "VERSION",
    "AnswerFrame",
    "AnswerKind",
    "AskFrame",
    "ByeFrame",
    "CancelFrame",
    "CommandSettledFrame",
    "CommandStoredFrame",
    "Frame",
    "HelloFrame",
    "NodeFrameError",
    "OpenedFrame",
    "ProbeFrame",
    "ReplacedFrame",
    "RequestFrame",
    "WrittenFrame",
    "read_frame",
    "write_frame",
    "write_request",
]

VERSION: Final = 1
"""The version of this protocol."""
MAX_NUMBER: Final = 2**53 - 1
"""The largest number in a frame: JSON parsers read larger ones inexactly (RFC 8259, section 6)."""
MAX_PROBED: Final = 1000
"""Attempts in one probe."""
_TICKET: Final = re.compile(r"[0-9]{1,20}")
"""The number of a ticket, which has about 64 bits and so is written as text."""
_MAX_TEXT: Final = 1024
"""Characters of a name in a frame."""


class NodeFrameError(ValueError):
    """The bytes are not a frame of this version. The text has no part of them."""


class AnswerKind(StrEnum):
    """How a call ended at the node that has the station."""

    OK = "ok"
    """The station responded; the value is its payload."""
    ERROR = "error"
    """The call failed; the value is the error as `write_error` writes it."""
    NOT_SENT = "not-sent"
    """The call was certainly not executed, and never will be; the value is the reason."""
    UNKNOWN = "unknown"
    """The call may have been executed; the value is the reason."""


_KINDS: Final = frozenset(str(kind) for kind in AnswerKind)


@dataclass(frozen=True, slots=True)
class HelloFrame:
    """The first frame of a stream, in each direction."""

    node: NodeId
    """The node that sends it, with its epoch."""
    versions: tuple[int, ...]
    """The versions of this protocol that it speaks."""


@dataclass(frozen=True, slots=True)
class ByeFrame:
    """The last frame of a stream that its sender refuses."""

    reason: str
    """The reason."""


@dataclass(frozen=True, slots=True)
class RequestFrame:
    """A call for the node that has the station."""

    number: int
    """The number of the attempt; the sender uses each only once in the life of its process."""
    identity: str
    """The identity of the station."""
    fence: int
    """The fence of the claim by which the receiver has the station."""
    owner: NodeId
    """The receiver, with its epoch: a successor with the same name must not execute the call."""
    seconds: float
    """Seconds that are left for the call."""
    call: list[Any]
    """The call, as the hosts write it."""


@dataclass(frozen=True, slots=True)
class AnswerFrame:
    """The end of an attempt."""

    caller: NodeId
    """The receiver, with its epoch: a successor with the same name has other attempts with the same numbers."""
    number: int
    """The number of the attempt."""
    kind: AnswerKind
    """How it ended."""
    value: Any
    """The payload, the error, or the reason."""


@dataclass(frozen=True, slots=True)
class CancelFrame:
    """The caller does not wait for this attempt any more."""

    number: int
    """The number of the attempt."""


@dataclass(frozen=True, slots=True)
class ProbeFrame:
    """The sender still waits for these attempts: the receiver answers those that it does not execute."""

    owner: NodeId
    """The receiver, with its epoch: a successor with the same name does not know what was executed."""
    numbers: tuple[int, ...]
    """The numbers of the attempts, at most `MAX_PROBED`."""


@dataclass(frozen=True, slots=True)
class ReplacedFrame:
    """The sender has claimed a station that the receiver had."""

    identity: str
    """The identity of the station."""
    fence: int
    """The fence of the sender's claim."""


@dataclass(frozen=True, slots=True)
class AskFrame:
    """The sender waits for a station that the receiver has: it is to be told as soon as the station is open."""

    identity: str
    """The identity of the station."""


@dataclass(frozen=True, slots=True)
class OpenedFrame:
    """A station for which the receiver waits is open at the sender."""

    identity: str
    """The identity of the station."""


@dataclass(frozen=True, slots=True)
class CommandStoredFrame:
    """The sender has stored a command for a station that the receiver has."""

    identity: str
    """The identity of the station."""


@dataclass(frozen=True, slots=True)
class CommandSettledFrame:
    """A command that the receiver has stored got its outcome, which is in the store."""

    identity: str
    """The identity of the station."""
    number: int
    """The number of its ticket."""


_AboutStation: TypeAlias = ReplacedFrame | AskFrame | OpenedFrame | CommandStoredFrame | CommandSettledFrame
WrittenFrame: TypeAlias = HelloFrame | ByeFrame | AnswerFrame | CancelFrame | ProbeFrame | _AboutStation
"""Everything that `write_frame` writes."""
Frame: TypeAlias = WrittenFrame | RequestFrame
"""Everything that nodes send to each other."""


def write_frame(frame: WrittenFrame) -> bytes:
    """Return the bytes of a frame.

    Raises:
        TypeError: JSON cannot express the payload.
        ValueError: The same.
        RecursionError: It is nested so deeply that the frame could not be read.
    """
    text = dumps([VERSION, *_elements(frame)])
    if is_deeper(text, MAX_DEPTH):
        raise RecursionError
    return text.encode()


def write_request(number: int, identity: str, fence: int, owner: NodeId, seconds: float, call: str) -> bytes:
    """Return the bytes of a request.

    Args:
        number: The number of the attempt.
        identity: The identity of the station.
        fence: The fence of the claim of the owner.
        owner: The node that has the station.
        seconds: Seconds that are left; finite.
        call: The call as JSON text: it is the same in each attempt.
    """
    return f'[{VERSION},"q",{number},{quote(identity)},{fence},{quote(owner)},{float(seconds)!r},{call}]'.encode()


def read_frame(data: bytes) -> Frame:
    """Return the frame that the bytes are. Raises NodeFrameError."""
    try:
        elements = loads(data.decode())
    except (ValueError, RecursionError):
        raise NodeFrameError("expected a frame in JSON") from None
    frame = _read(elements)
    if frame is None:
        raise NodeFrameError(f"expected a frame of version {VERSION}")
    return frame


def _elements(frame: WrittenFrame) -> list[Any]:
    match frame:
        case AnswerFrame():
            return ["a", frame.caller, frame.number, frame.kind, frame.value]
        case CancelFrame():
            return ["c", frame.number]
        case ProbeFrame():
            return ["p", frame.owner, list(frame.numbers)]
        case HelloFrame():
            return ["hello", frame.node, list(frame.versions)]
        case ByeFrame():
            return ["bye", frame.reason]
        case ReplacedFrame() | AskFrame() | OpenedFrame() | CommandStoredFrame() | CommandSettledFrame():
            return _elements_about_station(frame)
        case _:
            assert_never(frame)


def _elements_about_station(frame: _AboutStation) -> list[Any]:
    match frame:
        case ReplacedFrame():
            return ["e", frame.identity, frame.fence]
        case AskFrame():
            return ["ask", frame.identity]
        case OpenedFrame():
            return ["opened", frame.identity]
        case CommandStoredFrame():
            return ["w", frame.identity]
        case CommandSettledFrame():
            return ["o", frame.identity, str(frame.number)]
        case _:
            assert_never(frame)


def _read(elements: Any) -> Frame | None:
    match elements:
        case [_, "hello", str(node), [*versions], *_] if _are_texts(node) and _are_counts(*versions):
            return HelloFrame(NodeId(node), tuple(versions))  # of any version: the receiver compares them
        case [_, "bye", str(reason)] if _are_texts(reason):
            return ByeFrame(reason)
        case [1, "q", number, str(identity), fence, str(owner), float(seconds), [*call]] if _are_counts(
            number, fence
        ) and _are_texts(identity, owner):
            return RequestFrame(number, identity, fence, NodeId(owner), seconds, call)
        case [1, "a", str(caller), number, str(kind), value] if (
            _are_texts(caller) and _are_counts(number) and kind in _KINDS
        ):
            return _read_answer(NodeId(caller), number, AnswerKind(kind), value)
        case [1, "c", number] if _are_counts(number):
            return CancelFrame(number)
        case [1, "p", str(owner), [*numbers]] if (
            _are_texts(owner) and len(numbers) <= MAX_PROBED and _are_counts(*numbers)
        ):
            return ProbeFrame(NodeId(owner), tuple(numbers))
        case [1, str(kind), str(identity), *others] if _are_texts(identity):
            return _read_about_station(kind, identity, others)
        case _:
            return None


def _read_about_station(kind: str, identity: str, others: list[Any]) -> _AboutStation | None:
    match kind, others:
        case "e", [fence] if _are_counts(fence):
            return ReplacedFrame(identity, fence)
        case "ask", []:
            return AskFrame(identity)
        case "opened", []:
            return OpenedFrame(identity)
        case "w", []:
            return CommandStoredFrame(identity)
        case "o", [str(number)] if _TICKET.fullmatch(number):
            return CommandSettledFrame(identity, int(number))
        case _:
            return None


def _read_answer(caller: NodeId, number: int, kind: AnswerKind, value: Any) -> AnswerFrame | None:
    expected = {AnswerKind.OK: dict, AnswerKind.ERROR: list}.get(kind, str)
    return AnswerFrame(caller, number, kind, value) if isinstance(value, expected) else None


def _are_texts(*values: str) -> bool:
    return all(len(value) <= _MAX_TEXT for value in values)


def _are_counts(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value <= MAX_NUMBER for value in values)
