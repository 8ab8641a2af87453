"""What each machine does with each input in each state, compared cell by cell with the golden tables."""

import re
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Any, get_args

import pytest

from ocpp_core.actions import StateChanged
from ocpp_core.errors import OCPPError
from ocpp_core.timers import Timers
from tests.contracts.link_situations import LINKS
from tests.contracts.outbox_situations import OUTBOX
from tests.contracts.rows import each_row_of, grouped
from tests.contracts.situations import ENGINES, NOW, Machine, drain
from tools.golden import EXPLAINED, TABLES, cells

MACHINES = ENGINES | LINKS | OUTBOX
PAIRS = [
    (name, situation, label)
    for name, machine in MACHINES.items()
    for situation in machine.situations
    for label in machine.rows
]


def snapshot(value: Any, seen: frozenset[int] = frozenset()) -> Any:
    """All that an engine holds, as comparable data; the time of its last input aside."""
    if isinstance(value, Timers):
        return dict(value._armed)
    if isinstance(value, Random):
        return value.getstate()
    if isinstance(value, Mapping):
        return [(snapshot(key, seen), snapshot(item, seen)) for key, item in value.items()]
    if isinstance(value, (str, bytes, bytearray, int, float, type(None))) or callable(value):
        return repr(value)
    if isinstance(value, (deque, frozenset, list, set, tuple)):
        return [snapshot(item, seen) for item in value]
    fields = {**getattr(value, "__dict__", {}), **slots_of(value)}
    if id(value) in seen or not fields:
        return repr(value)
    seen |= {id(value)}
    return type(value), {name: snapshot(item, seen) for name, item in fields.items() if name != "_now"}


def slots_of(value: Any) -> dict[str, Any]:
    declared = ("__slots__", "__mypyc_attrs__")  # the latter by a compiled class
    names = (name for cls in type(value).__mro__ for slots in declared for name in vars(cls).get(slots, ()))
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def play(machine: Machine, situation: str, label: str) -> tuple[Any, str]:
    """Feed one row's input to an engine in one situation; the engine, and what it did in the words of the tables."""
    row = machine.rows[label]
    engine = machine.situations[situation](**row.options)
    event = row.event(engine)
    before, state = snapshot(engine), machine.state(engine)
    try:
        engine.handle(event, max(NOW, engine._now) + row.later)
    except (RuntimeError, TypeError, ValueError, OCPPError):
        return engine, "misuse" if snapshot(engine) == before and not drain(engine) else "misuse that changed something"
    actions = [told(action) for action in drain(engine)]
    if machine.state(engine) != state and f"→ {machine.state(engine)}" not in actions:
        actions.append(f"→ {machine.state(engine)}")  # a link does not tell of its phases
    return engine, ", ".join(actions) or ("ignored" if snapshot(engine) == before else "noted")


def told(action: Any) -> str:
    return f"→ {type(action.state).__name__}" if isinstance(action, StateChanged) else type(action).__name__


@each_row_of(grouped(PAIRS, 0))
def test_the_engine_does_what_the_table_says(name: str, situation: str, label: str) -> None:
    engine, outcome = play(MACHINES[name], situation, label)
    assert outcome == cells(TABLES[name], EXPLAINED[name])[label, situation]
    states = [situation.split(" ", maxsplit=1)[0], *re.findall(r"→ (\w+)", outcome)]
    assert MACHINES[name].state(engine) == states[-1]


@pytest.mark.parametrize("name", MACHINES)
class TestNothingIsMissing:
    def test_every_state_has_a_situation(self, name: str) -> None:
        machine = MACHINES[name]
        assert {machine.state(make()) for make in machine.situations.values()} == machine.state_names()

    def test_every_input_has_a_row_that_is_named_after_it(self, name: str) -> None:
        machine = MACHINES[name]
        engine = next(iter(machine.situations.values()))()
        fed = {label: type(row.event(engine)) for label, row in machine.rows.items()}
        assert {label: cls.__name__ for label, cls in fed.items()} == {label: label.split(":")[0] for label in fed}
        assert set(fed.values()) == set(get_args(machine.inputs))

    def test_the_table_has_one_cell_for_each_row_in_each_situation(self, name: str) -> None:
        machine = MACHINES[name]
        assert list(EXPLAINED[name]) == list(machine.situations)
        assert set(cells(TABLES[name], EXPLAINED[name])) == {
            (label, situation) for label in machine.rows for situation in machine.situations
        }


def test_no_machine_is_without_a_table_and_no_table_without_a_machine() -> None:
    assert TABLES.keys() == EXPLAINED.keys() == MACHINES.keys()
