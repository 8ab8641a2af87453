"""A station that is killed: `make outbox-kills` kills it far more often."""

import pytest

from tests.transports.outbox.kills import Peer, kill_often


@pytest.mark.slow
def test_a_killed_station_loses_nothing_and_keeps_the_order() -> None:
    peer = kill_often(3, seed=1, make=Peer)
    assert peer.problems == []
    assert peer.accepted <= set(peer.sent)
