"""A message passes through no more functions and files than the limits say: a count, the same on every machine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.cost import LIMITS, Call, Limit, Tracer, Trip

ROOT = Path(__file__).parents[2]


def count(*, hash_seed: str) -> subprocess.CompletedProcess[str]:
    """Count in an interpreter of its own: what a test run has imported or patched makes no difference."""
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "count_trips.py"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONOPTIMIZE": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def counted() -> subprocess.CompletedProcess[str]:
    return count(hash_seed="1")


def test_every_trip_is_within_its_limit(counted: subprocess.CompletedProcess[str]) -> None:
    if counted.returncode:
        pytest.fail(counted.stdout + counted.stderr, pytrace=False)
    for name in LIMITS:
        assert f"\n{name}\n" in counted.stdout


def test_the_trips_are_the_same_again(counted: subprocess.CompletedProcess[str]) -> None:
    assert count(hash_seed="2").stdout == counted.stdout


@pytest.mark.parametrize(("limit", "is_within"), [(Limit(3, 2), True), (Limit(2, 2), False), (Limit(3, 1), False)])
def test_a_limit_is_of_calls_and_of_files(limit: Limit, *, is_within: bool) -> None:
    trip = Trip([Call(0, "a.py", "f"), Call(1, "b.py", "g"), Call(1, "a.py", "h")])
    assert trip.files == ["a.py", "b.py"]
    assert limit.allows(trip) is is_within


class TestTheTracer:
    SOURCE = """
def passes(callback):
    return callback(), sum(inner(number) for number in (1, 2)), [*inners()]
def inners():
    yield inner(3)
    yield 4
def inner(number):
    return number
"""
    FILE = "ocpp_core/made_up.py"

    @pytest.fixture
    def made_up(self) -> dict[str, Any]:
        """Functions that seem to be in a file of the engine."""
        names: dict[str, Any] = {}
        exec(compile(self.SOURCE, ROOT / self.FILE, "exec"), names)
        return names

    def test_sees_functions_of_ours_and_no_comprehensions(self, made_up: dict[str, Any]) -> None:
        tracer = Tracer()
        with tracer.recording():
            made_up["passes"](lambda: made_up["inner"](0))
        assert [(call.depth, call.function) for call in tracer.trip] == [
            (0, "passes"),
            (1, "inner"),  # called by a function that is not ours
            (1, "inner"),
            (1, "inner"),
            (1, "inners"),
            (2, "inner"),
            (1, "inners"),  # resumed after each `yield`
            (1, "inners"),
        ]
        assert tracer.trip.files == [self.FILE]

    def test_stops_early_and_lets_another_profiler_continue(self, made_up: dict[str, Any]) -> None:
        tracer, others = Tracer(), []
        before = sys.getprofile()
        sys.setprofile(lambda frame, event, _: others.append((event, frame.f_code.co_name)))
        try:
            with tracer.recording():
                made_up["inner"](0)
                tracer.stop()
                made_up["inner"](0)
        finally:
            sys.setprofile(before)
        assert [call.function for call in tracer.trip] == ["inner"]
        assert others.count(("call", "inner")) == 1
