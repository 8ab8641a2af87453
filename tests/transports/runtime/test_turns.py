"""Work that was put off: one piece a turn of the event loop, in order, however much of it there is."""

import pytest

from ocpp_transports._runtime._turns import Turns


class Loop:
    """Turns by hand."""

    def __init__(self):
        self.ready = []

    def turn(self):
        ready, self.ready = self.ready, []
        for fn in ready:
            fn()


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def turns(loop):
    return Turns(lambda fn: loop.ready.append(fn))


@pytest.fixture
def done():
    return []


class TestTurns:
    def test_each_piece_has_a_turn_of_its_own(self, turns, loop, done):
        for piece in "abc":
            turns.add(lambda piece=piece: done.append(piece))
        seen = []
        while loop.ready:
            loop.turn()
            seen.append("".join(done))
        assert seen[:3] == ["a", "ab", "abc"]
        assert len(turns) == 0

    def test_what_is_put_off_again_waits_behind_the_others(self, turns, loop, done):
        def again():
            done.append("a")
            if done.count("a") < 3:
                turns.add(again)

        turns.add(again)
        turns.add(lambda: done.append("b"))
        while loop.ready:
            loop.turn()
        assert done == ["a", "b", "a", "a"]

    def test_what_is_called_off_costs_no_turn(self, turns, loop, done):
        turns.add(lambda: done.append("a")).cancel()
        turns.add(lambda: done.append("b"))
        loop.turn()
        assert done == ["b"]

    def test_a_fault_in_one_does_not_stop_the_others(self, turns, loop, done):
        turns.add(lambda: 1 / 0)
        turns.add(lambda: done.append("b"))
        with pytest.raises(ZeroDivisionError):
            loop.turn()
        loop.turn()
        assert done == ["b"]
