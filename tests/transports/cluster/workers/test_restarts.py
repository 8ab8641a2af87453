"""When a worker that ended is started again."""

import pytest

from ocpp_transports.cluster._workers._restarts import RestartPolicy, Restarts

SOON = 3.0
"""Seconds after which no worker counts as stable."""


@pytest.fixture
def restarts():
    return Restarts(RestartPolicy(first=1.0, longest=10.0, most=6, stable=60.0))


def test_the_first_start_follows_at_once_and_the_later_ones_wait_longer_and_longer(restarts):
    assert [restarts.delay(SOON) for _ in range(6)] == [0, 1, 2, 4, 8, 10]


def test_after_the_last_attempt_it_is_given_up(restarts):
    assert [restarts.delay(SOON) for _ in range(8)][5:] == [10, None, None]


def test_a_worker_that_served_long_enough_begins_anew(restarts):
    assert [restarts.delay(served) for served in (SOON, SOON, 59.9, 60.0, SOON)] == [0, 1, 2, 0, 1]


def test_a_new_program_begins_anew(restarts):
    restarts.delay(SOON)
    restarts.delay(SOON)
    restarts.forgive()
    assert restarts.delay(SOON) == 0
