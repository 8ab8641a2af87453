"""A session as text: what can be shared, and who finds it."""

from enum import Enum
from math import nan

import pytest

from ocpp_core.cluster.shared.sessions import read_session, session_key, session_text


class Color(Enum):
    RED = "red"


@pytest.mark.parametrize("session", [{}, {"a": [1, 2.0, None, True, "ü"], "b": {"c": {}}}])
def test_is_read_as_it_was_written(session):
    assert read_session(session_text(session)) == session


@pytest.mark.parametrize("value", [{1}, (1, 2), {1: "a"}, nan, b"x", "\ud800", Color.RED, object()])
def test_of_values_that_json_does_not_preserve_is_refused(value):
    with pytest.raises(TypeError, match="another one for 'bad'"):
        session_text({"good": 1, "bad": value})


def test_that_contains_itself_is_refused():
    session: dict[str, object] = {}
    session["bad"] = session
    with pytest.raises(TypeError, match="'bad'"):
        session_text(session)


@pytest.mark.parametrize("text", ["[]", "{", "null", "[" * 200_000])
def test_another_text_is_no_session(text):
    with pytest.raises(ValueError):  # noqa: PT011 - also what the decoder raises
        read_session(text)


def test_a_key_differs_with_station_profile_and_principal():
    keys = [session_key(*who) for who in (("CP1", 1, "CP1"), ("CP2", 1, "CP1"), ("CP1", 2, "CP1"), ("CP1", 1, "x"))]
    assert len(set(keys)) == 4
