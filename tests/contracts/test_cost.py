"""One message costs no more instructions than the table says: a count, the same on every machine, never a time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.cost import SCENARIOS, Cost, Counter, expected, judge, read_table
from tools.cost.scenarios import _client_with_outbox, _served, _serving, _stack_call

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="the table counts the instructions of CPython"
)


def count(*, hash_seed: str) -> subprocess.CompletedProcess[str]:
    """Count in an interpreter of its own: what a test run has traced, imported or patched makes no difference."""
    return subprocess.run(
        [sys.executable, ROOT / "tools" / "count_cost.py"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONOPTIMIZE": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def counted() -> subprocess.CompletedProcess[str]:
    return count(hash_seed="1")


class TestTheHotPath:
    def test_costs_what_the_table_says(self, counted: subprocess.CompletedProcess[str]) -> None:
        if counted.returncode:
            pytest.fail(counted.stdout + counted.stderr, pytrace=False)

    def test_costs_the_same_again(self, counted: subprocess.CompletedProcess[str]) -> None:
        assert count(hash_seed="2").stdout == counted.stdout


class TestTheTable:
    def test_has_every_scenario_and_no_other_for_each_version(self) -> None:
        assert {version: set(column) for version, column in read_table().items()} == {
            version: set(SCENARIOS) for version in ("3.11", "3.12", "3.13")
        }

    @pytest.mark.parametrize(
        ("version", "column"), [("3.11", "3.11"), ("3.12", "3.12"), ("3.13", "3.13"), ("3.14", "3.13")]
    )
    def test_of_the_nearest_version_counts(self, version: str, column: str) -> None:
        assert expected(read_table(), version) == (column, read_table()[column])

    def test_is_what_the_page_on_performance_says(self) -> None:
        lines = (ROOT / "docs/design/performance.md").read_text(encoding="utf-8").replace(",", "").splitlines()
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
        told = {row[0]: (int(row[2]), int(row[4])) for row in rows if row[-1].isdigit()}
        known = {name.replace(",", ""): (cost.instructions, cost.calls) for name, cost in read_table()["3.11"].items()}
        assert told == known


class TestTheJudgement:
    BUDGET = Cost(instructions=1000, calls=50, c_calls=20)

    @pytest.mark.parametrize(
        ("cost", "words"),
        [
            (BUDGET, []),
            (Cost(1030, 52, 21), []),
            (Cost(900, 45, 18), []),
            (
                Cost(1031, 50, 20),
                ["instructions: 1031 a message, 1000 in the table (+3.1%): higher than before"],
            ),
            (Cost(1000, 53, 20), ["calls: 53 a message, 50 in the table (+6.0%): higher than before"]),
            (Cost(1000, 50, 22), ["c_calls: 22 a message, 20 in the table (+10.0%): higher than before"]),
            (Cost(899, 50, 20), ["instructions: 899 a message, 1000 in the table (-10.1%): lower, update the table"]),
        ],
    )
    def test_allows_a_little(self, cost: Cost, words: list[str]) -> None:
        assert judge(cost, self.BUDGET, is_same_version=True) == words

    def test_allows_more_to_a_version_that_is_not_in_the_table(self) -> None:
        assert judge(Cost(1250, 60, 25), self.BUDGET, is_same_version=False) == []
        assert judge(Cost(500, 10, 5), self.BUDGET, is_same_version=False) == []
        assert len(judge(Cost(1251, 64, 26), self.BUDGET, is_same_version=False)) == 3


def test_the_counter_counts_instructions_calls_and_calls_of_c() -> None:
    def twice(numbers: list[int]) -> int:
        return sum(numbers) + len(numbers)

    def step() -> None:
        twice([1, 2])
        twice([3])

    once, thrice = Counter(), Counter()
    once.run(step, 1)
    thrice.run(step, 3)
    assert once.cost == thrice.cost
    assert once.cost[1:] == (3, 4)
    assert once.cost.instructions == sum(place.instructions for place in once.places) > 20
    (dearest, _) = once.places
    assert dearest.where.endswith("twice")
    assert (dearest.calls, dearest.c_calls) == (2, 4)


def test_metrics_add_about_a_twentieth() -> None:
    """The page on observability states the share; what they cost when they are off is the table's matter."""
    costs = []
    for rules in ({}, {"metrics": True}):
        counter = Counter()
        counter.run(_served(_serving(**rules), "Heartbeat", "{}"), 20)
        costs.append(counter.cost.instructions)
    plain, counted = costs
    assert plain < counted <= 1.06 * plain


def test_an_empty_outbox_adds_about_a_thirtieth() -> None:
    """The page on the outbox states the share; a client without the option `offline_queue` has none."""
    costs = []
    for step in (_stack_call(), _stack_call(_client_with_outbox())):
        counter = Counter()
        counter.run(step, 20)
        costs.append(counter.cost.instructions)
    plain, queueing = costs
    assert plain < queueing <= 1.04 * plain
