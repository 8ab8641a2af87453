"""Messages as rows: their texts, what a filter lets through, and what is copied."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ocpp_apps.station import LogEntry
from web.station.page import entries
from web.station.page.backlog import Backlog

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def entry(**facts: Any) -> LogEntry:
    given = {
        "number": 1,
        "at": AT,
        "direction": "out",
        "kind": "CALL",
        "action": "Authorize",
        "message_id": "id-1",
        "frame": [2, "id-1", "Authorize", {"idTag": "Grün"}],
        "latency": None,
        "problem": None,
    }
    return LogEntry(**{**given, **facts})


FINE = entry()
BROKEN = entry(direction="in", problem="payload violates required: idTag is missing")
REFUSED = entry(direction="in", kind="CALLERROR", frame=[4, "id-1", "NotSupported", "", {}], latency=0.25)
NOTE = entry(direction="", kind="NOTE", action=None, message_id=None, frame=None, problem="it cannot")


class TestARow:
    def test_of_what_was_sent(self) -> None:
        texts = entries.texts(FINE)
        assert (texts["arrow"], texts["direction"], texts["action"], texts["kind"]) == (
            "→",
            "sent",
            "Authorize",
            "CALL",
        )
        assert (texts["latency"], texts["check"], texts["problem"]) == ("", "✓ valid", "")
        assert texts["time"].endswith(":05.678")

    def test_of_what_was_received_and_breaks_its_schema(self) -> None:
        texts = entries.texts(BROKEN)
        assert (texts["arrow"], texts["check"]) == ("←", "✕ problem")
        assert texts["problem"] == "payload violates required: idTag is missing"

    def test_of_an_error_names_its_code(self) -> None:
        texts = entries.texts(REFUSED)
        assert (texts["check"], texts["latency"]) == ("NotSupported", "250 ms")

    def test_of_what_is_no_message(self) -> None:
        assert entries.texts(NOTE)["action"] == "Station"
        assert entries.texts(entry(kind="BAD", action=None, frame="oops", problem="?"))["kind"] == "not a message"

    @pytest.mark.parametrize(("one", "tone"), [(FINE, "good"), (BROKEN, "bad"), (REFUSED, "warn"), (NOTE, "bad")])
    def test_has_its_tone(self, one: LogEntry, tone: str) -> None:
        assert entries.tone(one) == tone


class TestAFilter:
    @pytest.mark.parametrize(
        ("show", "through"),
        [
            ("all", [FINE, BROKEN, REFUSED, NOTE]),
            ("sent", [FINE]),
            ("received", [BROKEN, REFUSED]),
            ("problems", [BROKEN, REFUSED, NOTE]),
        ],
    )
    def test_shows(self, show: str, through: list[LogEntry]) -> None:
        assert [one for one in (FINE, BROKEN, REFUSED, NOTE) if entries.matches(one, "", show)] == through

    @pytest.mark.parametrize("text", ["auth", "ID-1", "grün", "call"])
    def test_finds_text_anywhere_in_any_case(self, text: str) -> None:
        assert entries.matches(FINE, text, "all")

    def test_leaves_out_what_does_not_hold_the_text(self) -> None:
        assert not entries.matches(FINE, "Heartbeat", "all")


class TestACopy:
    def test_is_a_line_of_json_without_what_is_unknown(self) -> None:
        assert json.loads(entries.line(FINE)) == {
            "at": "2026-01-02T03:04:05.678000+00:00",
            "direction": "sent",
            "action": "Authorize",
            "frame": FINE.frame,
        }

    def test_shows_bytes_in_hexadecimal(self) -> None:
        assert json.loads(entries.line(entry(frame=b"\x00\xff")))["frame"] == "00 ff"


class TestAFrameToRead:
    @pytest.mark.parametrize(
        ("frame", "text"), [(None, ""), ("oops", "oops"), (b"\x01\xab", "01 ab"), ([3], "[\n  3\n]")]
    )
    def test_it_is_written(self, frame: object, text: str) -> None:
        assert entries.pretty(frame) == text


class TestTheCount:
    def test_of_nothing(self) -> None:
        assert entries.count(0, [], held=0) == "No messages yet."

    def test_of_one(self) -> None:
        assert entries.count(1, [FINE], held=0) == "1 message."

    def test_of_many_of_which_some_are_shown_or_wait(self) -> None:
        told = entries.count(7, [FINE, BROKEN], held=3)
        assert told == "7 messages, 2 shown, 1 with a problem, 3 more while paused."

    def test_of_those_that_newer_ones_have_displaced(self) -> None:
        assert entries.count(1, [FINE], held=0, dropped=4) == "1 message, 4 older dropped."
        assert entries.end(1) == "1 older message was dropped: the list keeps the newest ones."
        assert entries.end(2).startswith("2 older messages were dropped")


class TestTheBacklog:
    def test_keeps_the_newest_and_counts_the_others(self) -> None:
        backlog = Backlog(3)
        for number in range(1, 6):
            backlog.put(entry(number=number))
        assert backlog.dropped == 2
        assert [one.number for one in backlog.take(2)] == [3, 4]
        assert [one.number for one in backlog.take(2)] == [5]
        assert len(backlog) == 0

    def test_forgets_what_it_has_dropped_with_the_rest(self) -> None:
        backlog = Backlog(1)
        backlog.put(FINE)
        backlog.put(FINE)
        backlog.clear()
        assert (len(backlog), backlog.dropped) == (0, 0)
