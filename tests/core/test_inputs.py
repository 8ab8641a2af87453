"""What is checked when an input is made, because no engine is needed to know it."""

import pytest

from ocpp_core.inputs import Close
from tests.kinds import mistyped
from tests.tables import each


class TestClose:
    """RFC 6455 §7.4 and §5.5."""

    @each("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
    def test_takes_a_code_that_a_close_frame_may_hold(self, code):
        assert Close(code).code == code

    @each("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
    def test_refuses_a_code_that_it_must_not(self, code):
        with pytest.raises(ValueError, match="expected a close code"):
            Close(code)

    @each(
        ("reason", "kept"),
        [("bye", "bye"), ("x" * 123, "x" * 123), ("x" * 124, "x" * 123), ("⚡" * 42, "⚡" * 41), ("a\ud800", "a?")],
    )
    def test_cuts_a_reason_to_what_a_close_frame_can_hold(self, reason, kept):
        assert Close(reason=reason).reason == kept

    def test_refuses_a_reason_that_is_no_text(self):
        with pytest.raises(TypeError, match="reason as text"):
            Close(reason=mistyped(b"bye"))
