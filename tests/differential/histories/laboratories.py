"""Histories of stations and a server with stacks at both ends, on a network with faults."""

from collections.abc import Iterable
from random import Random
from typing import Any

from ocpp_core.actions import Dispatch
from ocpp_core.errors import RPCError, RPCInternalError
from ocpp_core.testing import LabEndpoint, Laboratory, LabStation, Wire
from tests.differential import settings
from tests.differential.commands import payload_of
from tests.differential.drawing import Draws
from tests.differential.transcript import Transcript

__all__ = ["play_laboratory"]


def play_laboratory(draws: Draws, transcript: Transcript) -> None:
    """Play a history, and write down all actions of both ends."""
    config = settings.client_config(draws, transcript)
    name = config.protocols[0]
    session = settings.session_config(draws, transcript, name, of_server=True)
    lab = Laboratory(config, session=session, link=settings.link_config(draws, transcript), seed=draws.number(999))
    lab.server.handlers = _Handlers(draws, name)
    stations = [_station(lab, draws, name, f"CP{number}") for number in range(draws.pick((1, 1, 2)))]
    seen: dict[LabEndpoint, int] = {}
    for _ in range(draws.pick((4, 10, 20))):
        _step(lab, draws, draws.pick(stations), name)
        _note(transcript, lab, stations, seen)
    lab.run_for(100)
    _note(transcript, lab, stations, seen)


class _Handlers(dict[str, Any]):
    """A handler for every action but one in ten."""

    def __init__(self, draws: Draws, protocol: str) -> None:
        super().__init__()
        self._draws = draws
        self._protocol = protocol

    def get(self, action: str, default: Any = None) -> Any:
        """Return the handler of an action."""
        return default if self._draws.rarely(10) else self._handle

    def _handle(self, request: Dispatch) -> Any:
        draws = self._draws
        if draws.rarely(10):
            raise draws.pick((RPCInternalError("no disk", {"free": 0}), RPCError("Custom", "é" * 300)))
        if draws.rarely(10):
            return None
        _, payload = payload_of(draws, self._protocol, "result", request.action)
        return payload if isinstance(payload, dict) else {}


def _station(lab: Laboratory, draws: Draws, protocol: str, identity: str) -> LabStation:
    station = lab.station(identity=identity)
    station.handlers = _Handlers(draws, protocol)
    station.wire = Wire(draws.pick((0.001, 0.05, 3.0)), fault=_cut if draws.flag() else None)
    station.connect()
    lab.run_for(1)
    return station


def _cut(data: bytes, random: Random) -> Iterable[tuple[float, bytes]]:
    """Cut a chunk into pieces, some of which are late, and lose or damage one in thirty."""
    way = random.randrange(60)
    if way == 0:
        return
    if way == 1:
        at = random.randrange(len(data)) if data else 0
        data = data[:at] + b"\xff" + data[at + 1 :]
    size = random.choice((1, 5, 60, 1000)) if len(data) < 300 else 1000
    for start in range(0, len(data), size):
        yield 0.0, data[start : start + size]


def _step(lab: Laboratory, draws: Draws, station: LabStation, protocol: str) -> None:
    way = draws.number(11)
    ends: list[LabEndpoint] = [station, *lab.server.connections]
    if way < 7:
        end = draws.pick(ends)
        for _ in range(draws.pick((1, 1, 3))):
            _call(end, draws, protocol)
    elif way == 7:
        station.cut()
    elif way == 8:
        station.wire.silent = draws.flag()
    elif way == 9:
        station.wire.reachable = draws.flag()
    elif draws.rarely(2):
        draws.pick(ends).close(draws.pick((1000, 1012, 4000)), "done", drain=draws.flag(), force=draws.one_in(4))
    lab.run_for(draws.pick((0.0, 0.01, 0.2, 1.0, 20.0)))


def _call(end: LabEndpoint, draws: Draws, protocol: str) -> None:
    action, payload = payload_of(draws, protocol, "call")
    try:
        outcome = end.call(action, payload, timeout=draws.pick((None, 2, 30.0)), urgent=draws.one_in(5))
    except (ValueError, TypeError, RuntimeError):
        return
    if draws.one_in(10):
        end.cancel(outcome)


def _note(transcript: Transcript, lab: Laboratory, stations: list[LabStation], seen: dict[LabEndpoint, int]) -> None:
    for end in dict.fromkeys([*stations, *seen, *lab.server.connections]):
        for at, action in end.actions[seen.get(end, 0) :]:
            transcript.did(f"{type(end).__name__} {at:.15g}", action)
        seen[end] = len(end.actions)
        transcript.note(f"  = {end.engine.deadline!r} {lab.now!r}")
