"""What the demo writes, and what it says of a payload."""

import io
from typing import Any

import pytest

from ocpp_apps.demo.log import Printer, Record
from ocpp_apps.demo.summary import joined, summarize


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(**changes: Any) -> Record:
    facts: dict[str, Any] = {"at": 0.0, "station": "CP1", "kind": "exchange", "name": "Reset", "arrow": "<-"}
    return Record(**{**facts, **changes})


class TestTheLog:
    def test_a_terminal_gets_colours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        assert "\x1b[1;31mReset" in self.printed(record(error="InternalError"))

    @pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_unless_its_user_wants_none(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        assert "\x1b" not in self.printed(record(error="InternalError"))

    def test_a_peer_cannot_command_the_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        printed = self.printed(record(name="\x1b[2J", about="a\nb", answer="x" * 1000))
        assert "\\x1b[2J" in printed
        assert "a\\nb" in printed
        assert len(printed.splitlines()[1]) < 200

    def test_ever_new_stations_fill_no_memory(self) -> None:
        printer = Printer(io.StringIO())
        for number in range(2000):
            printer(record(station=f"CP{number}"))
        assert len(printer._colours) == 1000

    def printed(self, shown: Record) -> str:
        stream = Terminal()
        Printer(stream)(shown)
        return stream.getvalue()


class TestTheSummary:
    def test_has_no_secrets(self) -> None:
        assert summarize({"key": "AuthorizationKey", "value": "c0ffee"}) == ["AuthorizationKey", "***"]
        assert summarize({"idTag": "04A1B2C3D4E5F6", "status": "Accepted"}) == ["Accepted"]

    def test_has_the_units_of_either_version(self) -> None:
        assert summarize({"sampledValue": [{"value": "7", "unit": "W"}]}) == ["7 W"]
        assert summarize({"sampledValue": [{"value": 7, "unitOfMeasure": {"unit": "A"}}]}) == ["7 A"]
        assert summarize({"meterStart": 7}) == ["7 Wh"]

    def test_of_much_is_short(self) -> None:
        assert joined(list("abcdef")) == "a, b, c, d, ..."

    @pytest.mark.parametrize("payload", [None, [], "text", {"variable": 1, "sampledValue": [None, {"value": []}]}])
    def test_of_anything_raises_nothing(self, payload: object) -> None:
        assert summarize(payload) == []

    @pytest.mark.parametrize("unit", [None, 1, [], {"unit": None}])
    def test_of_a_unit_that_is_none_has_none(self, unit: object) -> None:
        assert summarize({"value": 7, "unitOfMeasure": unit}) == ["7"]
