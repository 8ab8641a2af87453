"""`format`: date-time is RFC 3339 §5.6, uri RFC 3986 §3."""

import re

from ocpp_core.validation._formats import FORMATS
from tests.tables import each


def matches(name: str, text: str) -> bool:
    return re.match(FORMATS[name], text) is not None


class TestDateTime:
    @each(
        "text",
        [
            "2013-02-01T20:53:32Z",
            "2013-02-01T20:53:32.123456789+02:00",
            "2013-02-01T20:53:32-00:00",
            "2013-02-01t20:53:32z",
            "2016-12-31T23:59:60Z",
            "2024-02-29T00:00:00Z",
            "2000-02-29T00:00:00Z",
            "0000-01-01T00:00:00Z",
        ],
    )
    def test_is(self, text: str) -> None:
        assert matches("date-time", text)

    @each(
        "text",
        [
            "2013-02-01T20:53:32",
            "2013-02-01 20:53:32Z",
            "2013-02-01T20:53Z",
            "2013-02-01T20:53:32+02",
            "2013-02-01T20:53:32+0200",
            "2013-02-01T20:53:32+24:00",
            "2013-02-01T24:00:00Z",
            "2013-02-01T20:60:00Z",
            "2013-02-01T20:53:61Z",
            "2013-02-01T20:53:32.Z",
            "2013-02-01T20:53:32Z\n",
            "2013-13-01T00:00:00Z",
            "2013-00-01T00:00:00Z",
            "2013-04-31T00:00:00Z",
            "2013-01-00T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "13-02-01T20:53:32Z",
            "\u0662\u0660\u0661\u0663-02-01T20:53:32Z",
            "",
        ],
    )
    def test_is_not(self, text: str) -> None:
        assert not matches("date-time", text)


class TestUri:
    @each(
        "text",
        [
            "ftp://user:secret@[2001:db8::7]:21/a%20b;c?d=e&f#g",
            "https://example.com",
            "urn:OCPP:Cp:1.6",
            "file:///var/log",
            "mailto:ops@example.com",
            "a:",
        ],
    )
    def test_is(self, text: str) -> None:
        assert matches("uri", text)

    @each(
        "text",
        ["file.bin", "/path", "http://h/a b.bin", r"C:\x", "http://h/ü", "http://h/%2", "1a:b", "a:b#c#d", "a:b\n", ""],
    )
    def test_is_not(self, text: str) -> None:
        assert not matches("uri", text)

    def test_a_wrong_character_after_very_many_right_ones_is_found_in_one_pass(self) -> None:
        assert not matches("uri", "http:" + "a%20" * 100_000 + " ")
