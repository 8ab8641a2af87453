"""The sessions of one node: which one counts, and what waits for the store."""

import logging

import pytest

from ocpp_core.cluster.shared.records import SessionChange, SharedSession
from ocpp_transports._logging._log import Log
from ocpp_transports.cluster._shared._sessions import OwnSession, SharedSessions


class Holder:
    def __init__(self, **session):
        self.session = session


def own(fence=1, key="key", **session):
    return OwnSession("CP1", key, fence, Holder(**session))


@pytest.fixture
def log():
    return Log(logging.getLogger("test.sessions"), "server", is_station=False)


@pytest.fixture
def sessions(log):
    made = SharedSessions(log, lambda is_urgent: None)
    made.ttl, made.most = 100.0, 2
    return made


def written(sessions):
    """Write everything; return fence and text of each session."""
    changes = sessions.changes(sessions.take(9))
    sessions.written()
    return [(change.fence, change.text) for change in changes]


class TestTheFirstValues:
    @pytest.mark.parametrize(
        ("stored", "older", "values"),
        [
            (None, None, {"own": 1}),
            (SharedSession(5, '{"a":"stored","own":2}'), None, {"a": "stored", "own": 1}),
            (SharedSession(5, '{"a":"stored"}'), own(6, a="older"), {"a": "older", "own": 1}),
            (SharedSession(5, '{"a":"stored"}'), own(4, a="older"), {"a": "stored", "own": 1}),
            (None, own(4, a="older"), {"a": "older", "own": 1}),
            (SharedSession(5, "[1]"), None, {"own": 1}),
        ],
    )
    def test_are_the_newest_known_below_those_of_the_handshake(self, sessions, stored, older, values):
        new = own(9, own=1)
        sessions.begin(new, stored, older)
        assert new.holder.session == values

    def test_of_a_connection_without_any_are_not_written(self, sessions):
        sessions.begin(own(9), None, None)
        assert written(sessions) == []


class TestChanges:
    @pytest.mark.parametrize(
        ("change", "text"),
        [
            (lambda session: session.__setitem__("b", 2), '{"a":1,"b":2}'),
            (lambda session: session.update(b=2), '{"a":1,"b":2}'),
            (lambda session: session.setdefault("b", 2), '{"a":1,"b":2}'),
            (lambda session: session.__ior__({"b": 2}), '{"a":1,"b":2}'),
            (lambda session: session.pop("a"), ""),
            (lambda session: session.popitem(), ""),
            (lambda session: session.__delitem__("a"), ""),
            (lambda session: session.clear(), ""),
        ],
    )
    def test_of_every_kind_are_written(self, sessions, change, text):
        new = own(9, a=1)
        sessions.begin(new, None, None)
        assert written(sessions) == [(9, '{"a":1}')]
        change(new.holder.session)
        assert written(sessions) == [(9, text)]

    def test_of_a_connection_that_was_replaced_are_not_written(self, sessions):
        old, new = own(1, a=1), own(2, a=2)
        sessions.begin(old, None, None)
        sessions.begin(new, None, old)
        old.holder.session["a"] = 3
        sessions.end(old)
        assert written(sessions) == [(2, '{"a":2}')]

    def test_last_longer_while_the_station_is_connected(self, sessions):
        new = own(9, a=1)
        sessions.begin(new, None, None)
        sessions.refresh()
        assert sessions.changes(sessions.take(9)) == [SessionChange("CP1", "key", 9, '{"a":1}', 150.0)]
        sessions.end(new)
        assert sessions.changes(sessions.take(9)) == [SessionChange("CP1", "key", 9, '{"a":1}', 100.0)]

    def test_that_cannot_be_shared_are_logged(self, sessions, caplog):
        new = own(9, bad=object())
        sessions.begin(new, None, None)
        new.holder.session["good"] = 1
        assert written(sessions) == []
        assert "cannot share the session of 'CP1'" in caplog.text


class TestSessionsThatWait:
    def test_are_bounded(self, sessions):
        for number in range(3):
            each = own(number, key=str(number), a=number)
            sessions.begin(each, None, None)
            sessions.end(each)
        assert (len(sessions), sessions.dropped) == (2, 1)
        assert written(sessions) == [(1, '{"a":1}'), (2, '{"a":2}')]

    def test_are_known_until_they_are_written(self, sessions):
        ended = own(9, a=1)
        sessions.begin(ended, None, None)
        sessions.end(ended)
        assert sessions.get("key") is ended
        sessions.take(9)
        assert sessions.get("key") is ended
        sessions.written()
        assert sessions.get("key") is None

    def test_wait_again_if_they_were_not_written_unless_there_is_a_newer_one(self, sessions):
        first, second = own(1, key="a", a=1), own(1, key="b", a=1)
        for each in (first, second):
            sessions.begin(each, None, None)
            sessions.end(each)
        taken = sessions.take(9)
        sessions.begin(own(2, key="b", b=1), None, second)
        sessions.put_back(taken)
        assert written(sessions) == [(1, '{"a":1}'), (2, '{"a":1,"b":1}')]
