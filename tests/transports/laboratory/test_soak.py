"""A bounded sample of `make soak`, and mistakes that it must find."""

import shlex
from contextlib import nullcontext

import pytest

from ocpp_core.inbound.requests import Requests
from tools import soak
from tools.histories.history import History
from tools.histories.mistakes import losing_an_early_outcome, striking_out_the_newest
from tools.histories.operations import FAULTS, Operation, shrunk
from tools.soak import failure_of, first_failure, run_histories


@pytest.mark.parametrize("level", ["bytes", "messages"])
def test_nothing_is_lost_doubled_or_left(level):
    figures, failed = run_histories(1, lambda played: played < 6, level=level)
    assert failed is None
    assert figures.faults > 0
    assert figures.checks > figures.calls > 0


@pytest.mark.parametrize("plant", [lambda: losing_an_early_outcome(1.0), striking_out_the_newest])
def test_a_planted_mistake_is_found_and_its_history_shortened(plant):
    seed = first_failure(1, 30, plant())
    assert seed is not None
    with plant():
        short = shrunk(History(seed).operations, lambda some: failure_of(seed, some) is not None)
    assert len(short) <= 8
    assert FAULTS & {each.kind for each in short}
    assert failure_of(seed, short) is None


def test_a_fault_of_an_engine_comes_back_from_the_recording(monkeypatch, tmp_path):
    def fault(*_):
        raise LookupError("planted")

    monkeypatch.setattr(Requests, "on_call", fault)
    monkeypatch.setattr(soak, "mkdtemp", lambda prefix: str(tmp_path))
    shown = soak.explain(1, "bytes", nullcontext())
    command = next(line for line in shown.splitlines() if "an engine raised LookupError, replay it: " in line)
    with pytest.raises(LookupError, match="planted"):
        exec(shlex.split(command)[-1])


def test_the_shortest_history_has_only_what_fails():
    operations = [Operation("wait", seconds=number) for number in range(40)]
    short = shrunk(operations, lambda some: {3, 29} <= {each.seconds for each in some})
    assert [each.seconds for each in short] == [3, 29]
