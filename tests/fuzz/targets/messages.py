"""Messages of every version: a session over the texts of a peer, with calls, handlers, time and the end in between."""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import count
from math import inf
from typing import Any, Final, get_args

from ocpp_core.actions import (
    Abandon,
    CloseTransport,
    Dispatch,
    SendText,
    SessionAction,
    Settle,
)
from ocpp_core.config import SessionConfig, ValidationMode, ValidationRule
from ocpp_core.errors import OCPPError
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import (
    BinaryReceived,
    CancelCall,
    Close,
    Congested,
    Decline,
    Fail,
    Notify,
    RefuseResult,
    Register,
    Reply,
    SendRaw,
    SessionInput,
    StartCall,
    TextReceived,
    Tick,
    TransportLost,
)
from ocpp_core.messages import Leniency
from ocpp_core.session import Closed, Session
from ocpp_core.validation import load_validator
from ocpp_core.versions import ErrorCode, Version, version_of
from tests.broken_frames import CORPUS
from tests.fuzz.choices import Choices, changed, some
from tests.fuzz.payloads import PROTOCOLS, known_payloads
from tests.fuzz.target import Target

from .tolerating import tolerant

__all__ = ["TARGETS"]

_IDS: Final = ("1", "2", "id-1", "id-2", "id-3", "", "i" * 37, "-1", "é")
_LENIENT: Final = Leniency(
    null_payload=True,
    numeric_ids=True,
    long_ids=True,
    trailing_elements=True,
    binary_messages=True,
    control_characters=True,
)
_OPTIONS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"leniency": _LENIENT, "max_bad_messages": inf},
    {"max_inbound": 2, "max_held": 2, "call_concurrency": 3, "late_answers": True},
    {"inbound_rate": 0.5, "inbound_burst": 2, "max_delayed": 2, "leniency": _LENIENT},
    {"inbound_rate": 0.5, "inbound_burst": 1, "inbound_limit": "reject", "max_bad_messages": 3},
    {"require_registration": True, "refuse_before_registration": True},
    {"require_registration": True, "max_declined": 1, "refuse_when_busy": True, "max_inbound": 1},
    {"max_elements": 20, "answer_window": 0, "max_queued": 1, "mend_text": lambda text: text.replace("'", '"')},
)
_MODES: Final[tuple[ValidationMode | None, ...]] = (None, *get_args(ValidationMode))


@cache
def _validator(protocol: str) -> Any:
    return load_validator(protocol)


class _Host:
    """The host of one session: it starts calls, answers requests sooner, later or never, and checks what comes out."""

    def __init__(self, protocol: str, choices: Choices) -> None:
        self._choices = choices
        self.version: Version = version_of(protocol)
        self.known = known_payloads(protocol)
        self.now = 0.0
        self._tokens = count(1)
        self._started: list[int] = []
        self._settled: Counter[int] = Counter()
        self._open: deque[int] = deque()
        self._dispatched: set[int] = set()
        self._abandoned: set[int] = set()
        self._sends: set[int] = set()
        self._declined: set[int] = set()
        self._ids = count(1)
        self.session = Session(
            self._config(protocol),
            self.version,
            ids=lambda: f"id-{next(self._ids)}",
            numbers=count(1),
            answers=AnswerMemory().of("CP1") if choices.flag() else None,
        )

    def _config(self, protocol: str) -> SessionConfig:
        mode, options = self._choices.pick(_MODES), self._choices.pick(_OPTIONS)
        rules = () if mode is None else (ValidationRule(mode),)
        validator = None if mode is None else _validator(protocol)
        config = SessionConfig(validator=validator, validation_rules=rules, call_timeout=30.0, **options)
        return tolerant(self._choices).configured(config) if self._choices.flag() else config

    def handle(self, event: SessionInput) -> bool:
        """Pass an input of the host, and return False if it was a mistake of the host, which must change nothing."""
        before = self._outstanding
        try:
            self.session.handle(event, self.now)
        except (RuntimeError, ValueError, TypeError, OCPPError):
            assert not isinstance(event, (TextReceived, BinaryReceived, TransportLost, Tick, Congested))
            assert self._outstanding == before
            return False
        self.drain()
        return True

    @property
    def _outstanding(self) -> tuple[int, float]:
        return len(self._settled), self.session.deadline

    def drain(self) -> None:
        while (action := self.session.poll()) is not None:
            self._perform(action)
        assert self.session.deadline < inf or not self.session.calls.pending  # a written call has its timeout

    def _perform(self, action: SessionAction) -> None:
        if isinstance(action, SendText):
            self._judge(action.text)
        elif isinstance(action, Settle):
            self._settled[action.token] += 1
            assert self._settled[action.token] == 1
        elif isinstance(action, Dispatch):
            assert action.request not in self._dispatched
            self._dispatched.add(action.request)
            self._open.append(action.request)
            if not action.expects_reply:
                self._sends.add(action.request)
            assert len(self._open) <= 132
        elif isinstance(action, Abandon):
            assert action.request in self._dispatched - self._abandoned
            self._abandoned.add(action.request)
            if action.request in self._open:  # else it was declined
                self._open.remove(action.request)
        elif isinstance(action, CloseTransport):
            assert 1000 <= action.code < 5000

    def _judge(self, text: str) -> None:
        kind, message_id, *rest = json.loads(text)
        if kind == "raw":
            return
        assert kind in self.version.message_types
        assert isinstance(message_id, str)
        if kind in (4, 5):
            code, description, details = rest
            assert code in _CODES[self.version.name]
            assert len(description) <= 255
            assert details == {}

    def start(self, event: Callable[[int], SessionInput]) -> None:
        """Start a call; without an exception it must settle."""
        token = next(self._tokens)
        try:
            self.session.handle(event(token), self.now)
        except (RuntimeError, ValueError, TypeError, OCPPError):
            assert token not in self._settled
        else:
            self._started.append(token)
        self.drain()

    def answer(self) -> None:
        """Answer a dispatched request in one of the ways there are."""
        if not self._open:
            return
        request = self._open.popleft()
        way = self._choices.pick(_ANSWERS)
        if way is None or not self.handle(way(request)):
            self._open.append(request)
        elif way is Decline and request not in self._sends:
            self._declined.add(request)

    def finish(self) -> None:
        """Lose the connection: every call has settled, and nothing is left."""
        assert set(self.session.requests._open) <= {*self._open, *self._declined}
        self.handle(Congested(False))
        self.handle(TransportLost(1006, ""))
        assert isinstance(self.session.state, Closed)
        assert self.session.deadline == inf
        assert set(self._started) == set(self._settled)
        assert not self.session.unread
        for request in list(self._open):
            self.handle(Reply(request, {}))
        self.handle(TextReceived('[2,"late","Heartbeat",{}]'))
        assert self.session.poll() is None


_RESULT: Final = {"status": "Accepted", "currentTime": "2026-03-01T12:00:00Z", "interval": 5}
_ANSWERS: Final[tuple[Callable[[int], SessionInput] | None, ...]] = (
    lambda request: Reply(request, {}),
    lambda request: Reply(request, _RESULT),
    lambda request: Fail(request, ErrorCode.NOT_SUPPORTED, "x" * 300),
    lambda request: Fail(request, "Custom"),
    Decline,
    None,
)
_CODES: Final = {
    protocol: {version_of(protocol).spell(code) for code in ErrorCode} | {"Custom"} for protocol in PROTOCOLS
}


def _frame(choices: Choices, host: _Host) -> Any:
    kind, message_id = choices.pick((2, 2, 3, 3, 4, 5, 6)), choices.pick(_IDS)
    action = choices.pick(tuple(host.known))
    payloads = host.known[action]
    if kind in (2, 6):
        frame: list[Any] = [kind, message_id, action, changed(choices, payloads.get("call") or payloads.get("send"))]
    elif kind == 3:
        frame = [kind, message_id, changed(choices, payloads.get("result", {}))]
    else:
        frame = [kind, message_id, choices.pick(("NotSupported", "Bogus", "")), "because", {}]
    return changed(choices, frame) if choices.byte() % 4 == 0 else frame


def _text(choices: Choices, host: _Host) -> str:
    way = choices.byte() % 8
    if way == 0:
        return choices.some().decode(errors="surrogateescape")
    text = choices.pick(CORPUS) if way == 1 else json.dumps(_frame(choices, host), ensure_ascii=False)
    if way == 2:
        at = choices.number(len(text))
        text = text[:at] + choices.some().decode(errors="surrogateescape") + text[at + choices.number(5) :]
    return text


def _play(choices: Choices, host: _Host) -> None:
    step = choices.byte() % 16
    if step < 8:
        host.handle(TextReceived(_text(choices, host)))
    elif step == 8:
        host.handle(BinaryReceived(choices.some()))
    elif step == 9:
        host.now += choices.number(100)
        host.handle(Tick())
    elif step == 10:
        host.handle(choices.pick(_EVENTS))
    elif step == 11:
        host.handle(choices.pick(_ENDS))
    elif step < 14:
        host.start(choices.pick(_CALLS))
    else:
        host.answer()


_EVENTS: Final[tuple[SessionInput, ...]] = (Congested(True), Congested(False), Register(), CancelCall(1))
_ENDS: Final[tuple[SessionInput, ...]] = (
    Close(),
    Close(drain=False),
    Close(force=True),
    RefuseResult("1", "Custom"),
)
_CALLS: Final[tuple[Callable[[int], SessionInput], ...]] = (
    lambda token: StartCall(token, "Heartbeat", {}),
    lambda token: StartCall(token, "Reset", {"type": "Hard"}, timeout=5.0, ttl=1.0),
    lambda token: StartCall(token, "DataTransfer", {"vendorId": "x"}, message_id="1", validate=False),
    lambda token: Notify(token, "NotifyPeriodicEventStream", {}, validate=False),
    lambda token: SendRaw('[2,"2","Heartbeat",{}]', token),
    lambda token: StartCall(token, "BootNotification", {"reason": "PowerUp"}, urgent=True, protocol="ocpp2.1"),
)


def converse(protocol: str, data: bytes) -> None:
    """No text raises, every call settles once, every request is dispatched once, and the end leaves nothing."""
    choices = Choices(data)
    host = _Host(protocol, choices)
    while choices.left:
        _play(choices, host)
    host.finish()


def _hear(text: str) -> bytes:
    return b"\x00\x00" + some(text.encode(errors="surrogateescape"))


def _call(number: int) -> bytes:
    return bytes([12, number])


def _wait(seconds: int) -> bytes:
    return bytes([9, seconds])


def _answer(way: int) -> bytes:
    return bytes([14, way])


_HEARTBEAT: Final = '[2,"1","Heartbeat",{}]'
_BOOT: Final = '[2,"2","BootNotification",{"chargePointVendor":"x","chargePointModel":"y"}]'
_SEND: Final = '[6,"3","NotifyPeriodicEventStream",{"id":1,"pending":0,"basetime":"2026-03-01T12:00:00Z","data":[]}]'
_RESULT_TEXT: Final = '[3,"id-1",{"currentTime":"2026-03-01T12:00:00Z"}]'
_SCRIPTS: Final = (
    _call(0) + _hear(_RESULT_TEXT) * 2,
    _call(0) + _wait(31) + _hear(_RESULT_TEXT) + _call(0) + _hear('[4,"id-2","NotSupported","",{}]'),
    _call(0) * 4 + _hear('[3,"id-1",{}]') + _hear('[4,"id-2"]') + _hear('[3,"id-3"'),
    _call(1) * 2 + _wait(2) + _wait(6) + _hear('[3,"id-2",{"status":"Accepted"}]'),
    _call(2) + _call(4) + _hear('[3,"1",{"status":"Accepted"}]') + _hear('[3,"2",{}]'),
    _call(0) + bytes([11, 0]) + _wait(20) + _wait(20) + _wait(20),
    _call(0) + bytes([10, 3]) + _hear(_RESULT_TEXT),
    *(_hear(_HEARTBEAT) + _answer(way) + _hear(_HEARTBEAT) + _answer(0) for way in range(6)),
    _hear(_SEND) + _answer(4) + _hear(_SEND) + _answer(0) + _call(3),
    _hear(_HEARTBEAT) * 3 + _answer(1) + _hear('[5,"1","FormatViolation","",{}]') + _hear('[2,"1","Reset",{}]'),
    b"".join(_hear(f'[2,"{number}","Heartbeat",{{}}]') for number in range(6)) + _wait(1) + _answer(0) + _wait(9),
    _hear(_HEARTBEAT) + _hear(_BOOT) + _answer(4) + _call(5) + _call(0) + bytes([10, 2]) + _hear(_HEARTBEAT),
    bytes([10, 0]) + _hear(_HEARTBEAT) + _call(0) + bytes([10, 1]) + _answer(0),
    _hear(_HEARTBEAT) + bytes([11, 0]) + _hear(_HEARTBEAT) + _answer(0) + _wait(40),
    _call(0) + _hear(_HEARTBEAT) + bytes([11, 2]),
    _call(0) + bytes([8]) + some(b'[3,"id-1",{}]') + bytes([8]) + some(b"\xff"),
    b"\x00\x01\x05" * 5 + _hear("["),
)


def _seeds() -> Iterator[bytes]:
    """Yield each conversation with each group of options, and each broken frame; the modes of validation take turns."""
    for number, script in enumerate(_SCRIPTS):
        for options in range(len(_OPTIONS)):
            has_quirks = b"\x01\x01" if options & 1 else b"\x00"
            yield bytes([(number + options) % 4, options]) + has_quirks + b"\x01" + script
    for at in range(0, len(CORPUS), 4):
        yield bytes([1 + at % 3, at % 8, 0, 0]) + _call(0) + b"".join(map(_hear, CORPUS[at : at + 4]))
    for at in range(0, 120, 3):
        moves = (bytes([1, 3, at % 7, at % 9, at + move, 0]) for move in range(3))
        yield bytes([1 + at % 3, 1, 0, 0]) + _call(0) + b"".join(moves)


TARGETS: Final = {
    f"messages-of-{protocol}": Target(partial(converse, protocol), list(_seeds())) for protocol in PROTOCOLS
}
