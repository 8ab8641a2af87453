"""What the command lines show of a text that a peer may have written."""

import pytest

from ocpp_transports._logging._printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CP 1: é, 充电", "CP 1: é, 充电"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[2J\x9b2J\x7f\x00", "\\x1b[2J\\x9b2J\\x7f\\x00"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("\u2028\u00a0\ufeff", "\\u2028\\xa0\\ufeff"),
        ("\udc80", "\\udc80"),
        ("x" * 301, "x" * 297 + "..."),
    ],
)
def test_it_obeys_nothing_and_stays_on_its_line(text, shown):
    assert printable(text) == shown
