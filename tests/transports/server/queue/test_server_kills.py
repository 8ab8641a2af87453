"""A server that is killed: `make outbox-kills` kills it far more often."""

import pytest

from tests.transports.outbox.kills import kill_often

from .kills import Fleet


@pytest.mark.slow
def test_a_killed_server_loses_no_command_and_repeats_none_in_doubt() -> None:
    fleet = kill_often(1, seed=1, make=Fleet)
    assert fleet.problems == []
    assert fleet.accepted
