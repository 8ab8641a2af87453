"""The local list and the cache by themselves."""

import pytest

from ocpp_apps.station.model.authorization import LONGEST_LIST, Authorization, AuthorizationCache, LocalList
from ocpp_apps.station.model.connector import IdToken
from ocpp_apps.station.model.times import TimeError, read_expiry, read_time
from tests.apps.station.virtual_clock import EPOCH

ACCEPTED = Authorization("Accepted")


def tokens(count):
    return [(IdToken(f"T{number}"), ACCEPTED) for number in range(count)]


class TestTheList:
    def test_has_room_for_a_thousand(self):
        known = LocalList()
        assert known.replace(1, tokens(LONGEST_LIST))
        assert not known.replace(2, tokens(LONGEST_LIST + 1))
        assert not known.update(2, [(IdToken("one more"), ACCEPTED)])
        assert (known.version, len(known)) == (1, LONGEST_LIST)

    def test_knows_a_token_in_every_spelling_but_only_of_its_type(self):
        known = LocalList()
        known.replace(1, [(IdToken("AbC", "Central"), ACCEPTED)])
        assert known.find(IdToken("aBc", "Central")) == ACCEPTED
        assert known.find(IdToken("AbC", "eMAID")) is None


class TestTheCache:
    def test_forgets_the_oldest_of_a_thousand(self):
        cache = AuthorizationCache()
        for token, about in tokens(1001):
            cache.learn(token, about)
        assert cache.find(IdToken("T0")) is None
        assert cache.find(IdToken("T1")) == ACCEPTED

    def test_learns_anew(self):
        cache = AuthorizationCache()
        for status in ("Accepted", "Blocked"):
            cache.learn(IdToken("T"), Authorization(status))
        assert cache.find(IdToken("t")) == Authorization("Blocked")


def test_what_has_expired_is_worth_nothing():
    about = Authorization("Accepted", expires=EPOCH)
    assert about.at(EPOCH).status == "Expired"
    assert not about.at(EPOCH).is_accepted
    assert ACCEPTED.at(EPOCH) is ACCEPTED


class TestTimes:
    @pytest.mark.parametrize("text", ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00"])
    def test_are_read_with_and_without_an_offset(self, text):
        assert read_time(text) == EPOCH

    def test_that_are_none_raise(self):
        with pytest.raises(TimeError, match="expected an ISO 8601 time, got 'tomorrow'"):
            read_time("tomorrow")

    @pytest.mark.parametrize(("text", "moment"), [("2026-01-01T00:00:00Z", EPOCH), ("tomorrow", None), (5, None)])
    def test_of_an_expiry_that_cannot_be_read_set_none(self, text, moment):
        assert read_expiry(text) == moment
