"""What an application gives to an engine: commands with right arguments, and with wrong ones."""

from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from math import inf, nan
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from ocpp_core.actions import Reading
from ocpp_core.config import LinkConfig, SessionConfig, UpgradeTarget
from ocpp_core.inputs import (
    Accept,
    CancelCall,
    Close,
    CloseLink,
    Congested,
    Connect,
    Decline,
    Fail,
    Notify,
    Probe,
    Reconfigure,
    RefuseResult,
    Register,
    Reject,
    Reply,
    Respond,
    SendMessage,
    SendRaw,
    StartCall,
    StreamFailed,
    StreamLost,
    StreamOpened,
    Tick,
)
from ocpp_core.versions import ErrorCode, version_of
from tests.fuzz.choices import JSON_EDGES, changed
from tests.fuzz.payloads import known_payloads

from .drawing import Draws

__all__ = ["Make", "Scene", "command", "decision", "foreign_input", "reply", "start", "wrongly"]

Make = Callable[[], Any]
"""Makes an input; it may raise."""


class _Word(StrEnum):
    HEARTBEAT = "Heartbeat"


class _Text(str):
    __slots__ = ()


class _Dict(dict[str, Any]):
    """A payload of a class of the application."""


WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    5,
    2.5,
    10**30,
    nan,
    inf,
    -inf,
    "",
    "x",
    "5",
    "\ud800",
    "x" * 300,
    b"x",
    bytearray(b"[]"),
    [],
    ["x"],
    (),
    {},
    {1: 2},
    {"a": nan},
    {"a": {1, 2}},
    {"a": b"x"},
    {"a": "\ud800"},
    {"a": Decimal(1)},
    set(),
    Decimal("1.5"),
    _Word.HEARTBEAT,
    _Text("Heartbeat"),
    _Dict(a=1),
    MappingProxyType({"a": 1}),
    UUID(int=7),
    int,
    ErrorCode.NOT_SUPPORTED,
    Tick(),
)
"""Values for any field: of wrong types, of types that are nearly right, and at the edges."""


_OF_THE_HOST: Final = frozenset({"token", "request", "on", "besides", "identity", "config", "version"})
"""Fields that only the host fills in. Their types are checked by type checkers, and by compiled code: not by ours."""


class Scene:
    """What commands refer to: the numbers and names that were used in a history."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.tokens = 0
        self.requests: list[tuple[int, str]] = []
        """The requests that were dispatched and not answered, and their actions."""
        self.answered: list[int] = []
        self.ids = 0
        """Message IDs that were made: `id-1`, `id-2`, …"""
        self.attempt = 0

    def token(self) -> int:
        """Return a new token."""
        self.tokens += 1
        return self.tokens

    def message_id(self) -> str:
        """Return a new message ID."""
        self.ids += 1
        return f"id-{self.ids}"


def wrongly(draws: Draws, kind: Any, fields: dict[str, Any], one_in: int = 8) -> Make:
    """Return what makes an input, one in so many with a wrong value."""
    names = [name for name in fields if name not in _OF_THE_HOST] if draws.rarely(one_in) else []
    if names:
        fields[draws.pick(names)] = draws.pick(WRONG)
    return lambda: kind(**fields)


def payload_of(draws: Draws, protocol: str, kind: str, action: str | None = None) -> tuple[str, Any]:
    """Return an action and a payload of it: mostly one that conforms."""
    known = known_payloads(protocol)
    if action is None or action not in known:
        action = draws.pick(_FREQUENT[protocol]) if draws.number(2) else draws.pick(_names(protocol))
    payloads = known[action]
    payload: Any = payloads.get(kind) or payloads.get("send") or {}
    if draws.rarely(4):
        payload = draws.pick(JSON_EDGES) if draws.one_in(3) else changed(draws, payload)
    return action, payload


def _names(protocol: str) -> tuple[str, ...]:
    return tuple(known_payloads(protocol))


_FREQUENT: Final = dict.fromkeys(("ocpp1.6", "ocpp2.0.1"), ("Heartbeat", "BootNotification", "DataTransfer"))
_FREQUENT["ocpp2.1"] = ("Heartbeat", "BootNotification", "NotifyPeriodicEventStream")
_TIMES: Final = (None, None, None, None, 5, 5.0, 0.5, 60)


def start(draws: Draws, scene: Scene) -> Make:
    """Return a CALL."""
    action, payload = payload_of(draws, scene.protocol, "call")
    fields = {
        "token": scene.token(),
        "action": action if draws.number(15) else draws.pick(("NoSuch", "é", _Word.HEARTBEAT)),
        "payload": payload,
        "timeout": draws.pick(_TIMES),
        "ttl": draws.pick(_TIMES),
        "message_id": f"id-{1 + draws.number(scene.ids + 2)}" if draws.one_in(12) else None,
        "validate": draws.number(7) > 0,
        "protocol": draws.pick((None, None, None, None, "ocpp2.1", scene.protocol)),
        "urgent": draws.one_in(6),
    }
    return wrongly(draws, StartCall, fields)


def _notify(draws: Draws, scene: Scene) -> Make:
    payload = known_payloads("ocpp2.1")["NotifyPeriodicEventStream"]["send"]
    fields = {
        "token": scene.token(),
        "action": draws.pick(("NotifyPeriodicEventStream", "NotifyPeriodicEventStream", "Heartbeat")),
        "payload": changed(draws, payload) if draws.one_in(4) else payload,
        "message_id": draws.pick((None, None, None, "own", f"id-{scene.ids}")),
        "validate": draws.number(5) > 0,
    }
    return wrongly(draws, Notify, fields)


_RAW: Final = ('[2,"raw-%d","Heartbeat",{}]', '[2,"%d","X",{"a":1}]', '[3,"%d",{}]', "hello %d", '[2,"%d"', "\ud800%d")


def _raw(draws: Draws, scene: Scene) -> Make:
    fields = {
        "text": draws.pick(_RAW) % draws.number(9),
        "token": scene.token() if draws.flag() else None,
        "timeout": draws.pick(_TIMES),
    }
    return wrongly(draws, SendRaw, fields)


def _request(draws: Draws, scene: Scene) -> tuple[int, str]:
    if scene.requests and draws.number(9):
        return scene.requests[draws.number(len(scene.requests) - 1)]
    return draws.pick((1, 2, draws.number(30), 0)), "Heartbeat"


_CODES: Final = (*ErrorCode, "Custom", "", "NotSupported", "GenericError", "x" * 60)


def reply(draws: Draws, scene: Scene) -> Make:
    """Return the answer to a request: a result, an error, or that there is none now."""
    number, action = _request(draws, scene)
    way = draws.number(9)
    if way < 6:
        _, payload = payload_of(draws, scene.protocol, "result", action)
        if action == "BootNotification" and draws.flag() and isinstance(payload, dict):
            payload = {**payload, "status": draws.pick(("Accepted", "Pending", "Rejected"))}
        return wrongly(draws, Reply, {"request": number, "payload": payload})
    if way < 9:
        fields = {
            "request": number,
            "code": draws.pick(_CODES),
            "description": draws.pick(("", "because", "é" * 300)),
            "details": draws.pick((None, {}, {"a": [1]}, OrderedDict(b=2.0))),
        }
        return wrongly(draws, Fail, fields)
    return wrongly(draws, Decline, {"request": number})


def _refuse_result(draws: Draws, scene: Scene) -> Make:
    fields = {
        "message_id": f"id-{draws.number(scene.ids)}",
        "code": draws.pick(_CODES),
        "description": draws.pick(("", "because", "é" * 300)),
        "details": draws.pick((None, {}, {"a": [1]})),
        "action": draws.pick((None, "Heartbeat")),
    }
    return wrongly(draws, RefuseResult, fields)


_CLOSE_CODES: Final = (1000, 1000, 1001, 1008, 3000, 4999, 1005, 1006, 999, 5000, 0)
_REASONS: Final = ("", "done", "é" * 100, "\U0001f50c" * 31)


def _close(draws: Draws, scene: Scene) -> Make:
    fields = {
        "code": draws.pick(_CLOSE_CODES),
        "reason": draws.pick(_REASONS),
        "drain": draws.flag(),
        "force": draws.one_in(4),
        "besides": tuple(number for number, _ in scene.requests[:1]) if draws.one_in(3) else (),
    }
    return wrongly(draws, Close, fields)


def _reconfigure(draws: Draws, scene: Scene) -> Make:
    config = draws.pick(
        (
            SessionConfig(call_concurrency=3, max_queued=2, trace=True),
            SessionConfig(call_timeout=3, max_inbound=1, inbound_rate=0.5),
            LinkConfig(ping_interval=3, pong_timeout=2, max_message_size=200),
            LinkConfig(max_fragments=2, message_timeout=2),
            UpgradeTarget("other.example:8080", "/x/CP2", (("A", "b"),)),
            UpgradeTarget("bad host", "x y"),
        )
    )
    return wrongly(draws, Reconfigure, {"config": config})


_MAKERS: Final[tuple[Callable[[Draws, Scene], Make], ...]] = (
    start,
    start,
    start,
    _notify,
    _raw,
    _refuse_result,
    _reconfigure,
    lambda draws, scene: wrongly(draws, CancelCall, {"token": 1 + draws.number(scene.tokens)}),
    lambda draws, scene: wrongly(draws, Congested, {"on": draws.flag()}),
    lambda draws, scene: wrongly(draws, Connect, {"token": scene.token()}),
    lambda draws, scene: Probe,
    lambda draws, scene: Register,
)


def command(draws: Draws, scene: Scene) -> Make:
    """Return any command of an application."""
    return _close(draws, scene) if draws.rarely(8) else draws.pick(_MAKERS)(draws, scene)


def decision(draws: Draws, offered: tuple[str, ...]) -> Make:
    """Return the decision on a request."""
    way = draws.number(3) if draws.rarely(3) else 3
    if way == 0:
        status = draws.pick((400, 401, 404, 503, 200, 99, 600))
        fields: dict[str, Any] = {"status": status, "headers": draws.pick(_HEADERS), "body": draws.pick(_REASONS)}
        return wrongly(draws, Reject, fields)
    if way == 1:
        return wrongly(draws, Respond, {"status": draws.pick((200, 404, 100)), "headers": (), "body": b"ok"})
    fields = {
        "subprotocol": draws.pick(("ocpp1.6", None, "other")) if draws.rarely(8) or not offered else offered[0],
        "headers": draws.pick(_HEADERS) if draws.rarely(3) else (),
        "config": draws.pick((None, None, SessionConfig(call_concurrency=2))),
        "version": draws.pick((None, None, None, None, version_of("ocpp2.1"))),
        "identity": draws.pick(("CP1", None)),
    }
    return wrongly(draws, Accept, fields)


_HEADERS: Final = ((), (), (), (("X-A", "b"),), (("X-A", "b\r\nc"),), (("", ""),), (("Upgrade", "x"),))


def foreign_input(draws: Draws) -> Make:
    """Return what is an input of another engine, or no input at all."""
    return draws.pick(_FOREIGN)


_FOREIGN: Final[tuple[Make, ...]] = (
    lambda: None,
    lambda: "text",
    lambda: Tick,
    lambda: Reading(True),
    lambda: SendMessage("text"),
    lambda: CloseLink(),
    lambda: StreamOpened(1),
    lambda: StreamLost(1),
    lambda: StreamFailed(OSError("no route"), 1),
    lambda: Accept("ocpp1.6"),
    lambda: Reject(404),
    lambda: Respond(200),
    lambda: Connect(1),
)
