"""What a CSMS did wrong, as the command tells it."""

import pytest

from ocpp_apps.station import LogEntry
from ocpp_apps.station.messages.breaches import MOST, Breaches
from tests.apps.station.virtual_clock import EPOCH


def entry(kind, problem, *, direction="in", action="Reset"):
    return LogEntry(1, EPOCH, direction, kind, action, "1", None, None, problem)


@pytest.fixture
def told():
    return []


@pytest.fixture
def breaches(told):
    return Breaches(told.append)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("CALL", "command Reset: payload.type violates enum"),
        ("CALLRESULT", "answer to Reset: payload.type violates enum"),
        ("SEND", "message Reset: payload.type violates enum"),
        ("BAD", "broken message: payload.type violates enum"),
    ],
)
def test_it_names_message_path_and_rule(breaches, told, kind, text):
    breaches.note("CP1", entry(kind, "payload.type violates enum"))
    breaches.note("CP2", entry(kind, "payload.type violates enum"))
    assert told == [f"CP1: the central system broke the protocol: {text}"]
    assert breaches.table()[1:] == [f"       2  {text}"]


@pytest.mark.parametrize(
    "other",
    [
        entry("CALL", None),
        entry("CALL", "payload.type violates enum", direction="out"),
        entry("ERROR", "no route", direction=""),
        entry("REFUSED", "idTag is missing", direction=""),
    ],
)
def test_what_the_csms_has_not_sent_or_not_broken_is_none(breaches, told, other):
    breaches.note("CP1", other)
    assert (breaches.total, breaches.table(), told) == (0, [], [])


def test_a_csms_cannot_command_the_terminal(breaches, told):
    breaches.note("CP1", entry("CALL", "no action\nCP2: all is well", action="\x1b[2J"))
    assert told == ["CP1: the central system broke the protocol: command \\x1b[2J: no action\\nCP2: all is well"]


def test_a_csms_that_invents_ever_new_ones_fills_no_memory(breaches, told):
    for number in range(MOST + 7):
        breaches.note("CP1", entry("CALL", "no action", action=f"Make{number}"))
    assert (breaches.total, len(told), len(breaches.table())) == (MOST + 7, MOST, MOST + 2)
    assert breaches.table()[-1] == "       7  of further kinds"


def test_a_long_text_is_cut(breaches, told):
    breaches.note("CP1", entry("CALL", "no action", action="x" * 10_000))
    assert len(told[0]) < 1100
