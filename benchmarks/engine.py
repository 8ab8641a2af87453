"""The engine alone, without sockets: a process that measures itself and prints one JSON object.

python benchmarks/engine.py answering|asking|month|pinging --repeats 7 [--pairs 10000] [--standard-library]
"""

import argparse
import json
import time
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Any, Final

from benchmarks.accelerators import STANDARD_LIBRARY, hide_if_asked

hide_if_asked()

from ocpp_core import LinkConfig, SessionConfig  # noqa: E402 - after the accelerators are hidden
from ocpp_core.actions import Dispatch, SendText, Settle  # noqa: E402 - after the accelerators are hidden
from ocpp_core.inputs import Reply, StartCall, TextReceived  # noqa: E402 - after the accelerators are hidden
from ocpp_core.session import Session  # noqa: E402 - after the accelerators are hidden
from ocpp_core.testing import Laboratory  # noqa: E402 - after the accelerators are hidden
from ocpp_core.versions import OCPP16  # noqa: E402 - after the accelerators are hidden

_ANSWER: Final[dict[str, Any]] = {"currentTime": "2026-03-01T12:00:00.000Z"}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


def _best(run: Callable[[], object], repeats: int) -> float:
    """Return the least seconds of processor time that `run` takes, since disturbances only add time."""
    return min(_timed(run) for _ in range(repeats))


def _timed(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _session() -> Session:
    numbers = count(1)
    return Session(SessionConfig(), OCPP16, ids=lambda: f"{next(numbers):08x}", numbers=count(1))


def _answering(pairs: int, repeats: int) -> dict[str, float]:
    """Measure a session that answers CALLs: microseconds per pair, without and with the JSON work.

    One pair is `TextReceived` -> `Dispatch`, `Reply` -> `SendText`, without a validator. The JSON work is the
    time of the standard library to parse the same texts and to write the same responses, measured separately.
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


def _asking(pairs: int, repeats: int) -> dict[str, float]:
    """Measure a session that makes calls: microseconds per pair, without and with the JSON work.

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
) -> dict[str, float]:
    whole, json_work = _best(converse, repeats), _best(only_json, repeats)
    return {"without_json": (whole - json_work) / pairs * 1e6, "whole": whole / pairs * 1e6}


def _month(repeats: int, ping_interval: float) -> dict[str, float]:
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

    return {"seconds": _best(play, repeats)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["answering", "asking", "month", "pinging"])
    parser.add_argument("--repeats", type=int, required=True)
    parser.add_argument("--pairs", type=int, default=0, help="CALLs with CALLRESULTs of a session")
    parser.add_argument(STANDARD_LIBRARY, action="store_true", help="hide the extra `speed`")
    options = parser.parse_args()
    match options.what:
        case "answering":
            result = _answering(options.pairs, options.repeats)
        case "asking":
            result = _asking(options.pairs, options.repeats)
        case what:
            result = _month(options.repeats, 30.0 if what == "pinging" else inf)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
