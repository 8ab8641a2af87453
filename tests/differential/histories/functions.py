"""Histories of what has no connection: reading and writing messages, checking payloads, timers and buckets."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from math import inf
from random import Random
from typing import Any, Final

from ocpp_core._json import dumps, has_more_elements, is_deeper, loads, loads_with_controls, quote
from ocpp_core.backoff import ExponentialBackoff, OCPPBackoff, retry_after_delay, retry_delay
from ocpp_core.errors import create_rpc_error
from ocpp_core.limits import SharedBuckets, TokenBucket
from ocpp_core.messages import decode, encode_error, encode_message, encode_payload, encode_result
from ocpp_core.timers import Timers
from ocpp_core.times import write_time
from ocpp_core.validation.explaining import explain
from ocpp_core.versions import ErrorCode, version_of
from tests.differential import settings
from tests.differential.commands import WRONG, Scene, payload_of
from tests.differential.drawing import Draws
from tests.differential.peers import text_of
from tests.differential.transcript import Transcript
from tests.fuzz.payloads import PROTOCOLS

__all__ = ["play_functions"]

Calls = list[tuple[str, Callable[[], object]]]


def play_functions(draws: Draws, transcript: Transcript) -> None:
    """Call functions with drawn arguments, and write down their results."""
    name = settings.protocol(draws)
    for _ in range(draws.pick((5, 20))):
        for what, call in draws.pick(_GROUPS)(draws, name):
            try:
                transcript.did(what, call())
            except Exception as error:
                transcript.failed(what, error)


def _reading(draws: Draws, name: str) -> Calls:
    text = text_of(draws, Scene(name), {})
    types = version_of(name).message_types
    leniency = settings.session_config(draws, Transcript(), None, of_server=False).leniency
    limit = draws.pick((inf, inf, 1, 10))
    return [
        (f"decode {text!r}", lambda: decode(text, types, leniency, limit)),
        ("loads", lambda: loads(text)),
        ("loads_with_controls", lambda: loads_with_controls(text)),
        ("quote", lambda: quote(text)),
        ("is_deeper", lambda: is_deeper(text, 3)),
        ("has_more_elements", lambda: has_more_elements(text, 4)),
    ]


def _explaining(draws: Draws, name: str) -> Calls:
    text = text_of(draws, Scene(name), {})
    return [(f"explain {text!r}", lambda: explain(text, name))]


def _writing(draws: Draws, name: str) -> Calls:
    action, payload = payload_of(draws, name, "call")
    value = draws.pick(WRONG) if draws.one_in(3) else payload
    code = draws.pick((*ErrorCode, "Custom", ""))
    return [
        ("encode_payload", lambda: encode_payload(value)),
        ("encode_result", lambda: encode_result("1", value)),
        ("encode_message", lambda: encode_message(2, "1", action, json.dumps(payload))),
        ("encode_error", lambda: encode_error(4, "1", code, draws.pick(("", "é" * 300, "\ud800")), value)),
        ("dumps", lambda: dumps(value)),
        ("create_rpc_error", lambda: create_rpc_error(code, draws.pick((None, "why")), remote=True)),
    ]


def _checking(draws: Draws, name: str) -> Calls:
    validator = settings.validator(name)
    kind = draws.pick(("call", "result", "send"))
    action, payload = payload_of(draws, name, kind)
    action = "NoSuch" if draws.one_in(20) else action
    return [(f"check {kind} {action} {payload!r}", lambda: getattr(validator, f"check_{kind}")(action, payload))]


def _timing(draws: Draws, name: str) -> Calls:
    timers = Timers()
    times = (0.5, 1.0, 1.0, 2.25, 7.0, inf)
    calls: Calls = []
    for _ in range(30):
        key, at = draws.number(12), draws.pick(times)
        way = draws.number(9)
        if way < 6:
            calls.append(("set", lambda key=key, at=at: timers.set(key, at)))  # type: ignore[misc]  # mypy infers no lambda with defaults
        elif way < 8:
            calls.append(("cancel", lambda key=key: timers.cancel(key)))  # type: ignore[misc]  # mypy infers no lambda with defaults
        else:
            calls.append(("due", lambda at=at: [*timers.due(at if at < inf else 3)]))  # type: ignore[misc]  # mypy infers no lambda with defaults
        calls.append(("next", lambda: (timers.next, len(timers))))
    return calls


def _limiting(draws: Draws, name: str) -> Calls:
    rate, burst = draws.pick((0.5, 2, 7.5, 0.0)), draws.pick((1, 3, 2.5, 0))
    bucket = TokenBucket(rate, burst) if rate and burst else None
    shared = SharedBuckets(rate, burst) if rate and burst else None
    calls: Calls = [("TokenBucket", lambda: type(TokenBucket(rate, burst)).__name__)]
    now = 0.0
    for _ in range(12):
        now += draws.pick((0.0, 0.1, 1, 9.0))
        owner = draws.pick(("a", "b", "c"))
        if bucket is not None and shared is not None:
            calls.append(("ready_at", lambda now=now: bucket.ready_at(now)))  # type: ignore[misc]  # mypy infers no lambda with defaults
            calls.append(("shared", lambda now=now, owner=owner: shared.ready_at(owner, now)))  # type: ignore[misc]  # mypy infers no lambda with defaults
            if draws.flag():
                calls.append(("take", lambda now=now: bucket.take(now)))  # type: ignore[misc]  # mypy infers no lambda with defaults
                calls.append(("take", lambda now=now, owner=owner: shared.take(owner, now)))  # type: ignore[misc]  # mypy infers no lambda with defaults
    return calls


def _waiting(draws: Draws, name: str) -> Calls:
    random, attempt = Random(draws.number(99)), draws.pick((1, 2, 5, 40, 2000))
    return [
        ("exponential", lambda: ExponentialBackoff(maximum=draws.pick((1, 60.0))).delay(attempt, random)),
        ("ocpp", lambda: OCPPBackoff(wait_minimum=draws.pick((0, 1, 3.5))).delay(attempt, random)),
        ("retry", lambda: retry_delay(attempt, draws.pick((1, 0.5)), 30, random)),
        ("retry after", lambda: retry_after_delay(draws.pick((1, 9.5)), draws.pick((2, 60.0)), random)),
        ("time", lambda: write_time(draws.pick(_TIMES))),
        ("version", lambda: version_of(draws.pick((*PROTOCOLS, "x"))).spell(draws.pick((*ErrorCode, "x")))),
    ]


_TIMES: Final[tuple[Any, ...]] = (
    datetime(2026, 3, 1, 12, 0, 0, 999999, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=2, minutes=30))),
    datetime(2026, 3, 1),  # noqa: DTZ001 - a mistake of an application
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    "2026-03-01T12:00:00Z",
    None,
)
_GROUPS: Final = (
    _reading,
    _reading,
    _writing,
    _writing,
    _checking,
    _checking,
    _explaining,
    _timing,
    _limiting,
    _waiting,
)
