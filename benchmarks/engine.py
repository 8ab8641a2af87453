"""The figures of the engine alone: no sockets, no other processes but fresh interpreters."""

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from math import inf
from pathlib import Path
from statistics import median
from typing import Any, Final

from ocpp_core import LinkConfig, SessionConfig
from ocpp_core.actions import Dispatch, SendText, Settle
from ocpp_core.inputs import Reply, StartCall, TextReceived
from ocpp_core.session import Session
from ocpp_core.testing import Laboratory
from ocpp_core.versions import OCPP16

__all__ = ["answering", "asking", "core_tests", "import_time", "month"]

_ROOT: Final = Path(__file__).parent.parent
_ANSWER: Final[dict[str, Any]] = {"currentTime": "2026-03-01T12:00:00.000Z"}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def _best(run: Callable[[], object], repeats: int) -> float:
    """Return the least seconds of processor time that `run` takes: what disturbs it only ever adds."""
    return min(_timed(run) for _ in range(repeats))


def _timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _session() -> Session:
    numbers = count(1)
    return Session(SessionConfig(), OCPP16, ids=lambda: f"{next(numbers):08x}", numbers=count(1))


def answering(pairs: int, repeats: int) -> tuple[float, float]:
    """Measure a session that answers CALLs: microseconds a pair without the JSON work, and with it.

    One pair is `TextReceived` -> `Dispatch`, `Reply` -> `SendText`, without a validator. The JSON work is what the
    standard library needs to parse the same texts and to write the same answers, measured alone and subtracted.
    """
    texts = [f'[2,"{number:08x}","Heartbeat",{{}}]' for number in range(pairs)]

    def converse() -> None:
        session = _session()
        handle, poll = session.handle, session.poll
        for now, text in enumerate(texts):
            handle(TextReceived(text), now)
            request = poll()
            assert type(request) is Dispatch
            handle(Reply(request.request, _ANSWER), now)
            assert type(poll()) is SendText

    def only_json() -> None:
        loads, encode = json.loads, _ENCODER.encode
        for text in texts:
            loads(text)
            encode(_ANSWER)

    return _per_pair(converse, only_json, pairs, repeats)


def asking(pairs: int, repeats: int) -> tuple[float, float]:
    """Measure a session that makes calls, as `answering` does.

    One pair is `StartCall` -> `SendText`, `TextReceived` -> `Settle`.
    """
    answer = _ENCODER.encode(_ANSWER)
    answers = [f'[3,"{number:08x}",{answer}]' for number in range(1, pairs + 1)]

    def converse() -> None:
        session = _session()
        handle, poll = session.handle, session.poll
        for token, text in enumerate(answers):
            handle(StartCall(token, "Heartbeat", {}), token)
            assert type(poll()) is SendText
            handle(TextReceived(text), token)
            assert type(poll()) is Settle

    def only_json() -> None:
        loads, encode = json.loads, _ENCODER.encode
        for text in answers:
            encode({})
            loads(text)

    return _per_pair(converse, only_json, pairs, repeats)


def _per_pair(
    converse: Callable[[], None], only_json: Callable[[], None], pairs: int, repeats: int
) -> tuple[float, float]:
    whole, json_work = _best(converse, repeats), _best(only_json, repeats)
    return (whole - json_work) / pairs * 1e6, whole / pairs * 1e6


def month(repeats: int, ping_interval: float = inf) -> float:
    """Measure the laboratory: seconds for 30 virtual days in which a station makes 8,640 calls over a server."""

    def play() -> None:
        lab = Laboratory(link=LinkConfig(ping_interval=ping_interval), record=False)
        lab.server.handlers["Heartbeat"] = lambda _: _ANSWER
        station = lab.connect()
        calls = []
        lab.every(300, lambda: calls.append(station.call("Heartbeat")))
        lab.run_for(30 * 86_400 + 1)
        assert len(calls) == 8_640
        assert all(call.unwrap() == _ANSWER for call in calls)

    return _best(play, repeats)


def import_time(statement: str, repeats: int) -> float:
    """Measure milliseconds that a statement takes beyond a bare interpreter of the same environment, in the median.

    Processor time: what a busy machine adds is not counted, nor is waiting for a cold disk.
    """
    return median(_start(statement) - _start("pass") for _ in range(repeats)) * 1e3


def _start(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def core_tests() -> float | None:
    """Measure seconds that the tests of the engine take, as pytest says it; None if they do not pass."""
    run = subprocess.run(["make", "-s", "test-core"], cwd=_ROOT, capture_output=True, text=True, check=False)
    found = re.search(r"passed.* in ([0-9.]+)s", run.stdout)
    return None if run.returncode or found is None else float(found[1])
