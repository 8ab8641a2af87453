"""When output that does not drain is the end of a connection: not while any of it moves."""

from math import inf

import pytest

from ocpp_transports._hosts._patience import Patience
from tests.transports.fake_host import FakeHost

LIMIT = 30.0


class Output:
    """What is watched: `moved` bytes have left; None once all have."""

    def __init__(self, limit=LIMIT):
        self.host, self.moved = FakeHost(), 0
        self.given_up: list[float] = []
        self.patience = Patience(
            self.host,
            limit,
            mark=lambda: self.moved,
            give_up=lambda: self.given_up.append(self.host.now() - 100),
        )


@pytest.fixture
def output():
    return Output()


class TestPatience:
    def test_ends_when_nothing_moves(self, output):
        output.host.advance(10 * LIMIT)
        assert output.given_up == [LIMIT]
        assert output.host.armed() == []

    def test_lasts_while_anything_moves_however_slowly(self, output):
        for _ in range(100):
            output.moved += 1
            output.host.advance(LIMIT - 1)
        assert output.given_up == []

    def test_counts_from_the_last_movement(self, output):
        output.host.advance(LIMIT / 2)
        output.moved += 1
        output.host.advance(10 * LIMIT)
        (end,) = output.given_up
        assert LIMIT * 1.5 <= end <= LIMIT * 1.75, "it looks four times within the limit"

    def test_is_over_when_all_has_drained(self, output):
        output.moved = None
        output.host.advance(10 * LIMIT)
        assert (output.given_up, output.host.armed()) == ([], [])

    def test_can_be_called_off(self, output):
        output.patience.cancel()
        output.patience.cancel()
        output.host.advance(10 * LIMIT)
        assert output.given_up == []

    def test_without_a_limit_never_ends(self):
        output = Output(inf)
        assert output.host.armed() == []
        output.patience.cancel()
