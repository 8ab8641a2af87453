"""Programs for the package `ocpp` have the same outcome on `ocpp_transports.compat`."""

import asyncio

import pytest

from tests.interop.compat.packages import PACKAGES
from tests.interop.compat.peer import Peer, normalised

pytestmark = pytest.mark.anyio

FEATURES = (
    "handlers",
    "refusals",
    "errors",
    "calls",
    "many_calls",
    "nested",
    "frames_by_hand",
    "log",
    "end_of_start",
    "route_map",
)
HABITS = ("integration", "gateway", "test_kit", "consumer", "worker", "broker", "own_parts")


@pytest.fixture
def outcomes(programs):
    """Run a function of a program on both packages: what passed on the wire, and what the program saw."""

    async def run(program, function, *args):
        results = []
        for package in PACKAGES:
            peers = [Peer()]

            def make_peer(name, peers=peers):
                peers.append(Peer(name))
                return peers[-1]

            async with asyncio.timeout(10):
                seen = await getattr(programs(program, package), function)(peers[0], *args or [make_peer])
            results.append(normalised([[peer.frames for peer in peers], seen]))
        return results

    return run


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("feature", FEATURES)
async def test_a_documented_feature(outcomes, feature, version):
    theirs, ours = await outcomes("features", feature, version)
    assert ours == theirs


@pytest.mark.parametrize("habit", HABITS)
async def test_a_habit_of_real_programs(outcomes, habit):
    theirs, ours = await outcomes("habits", habit)
    assert ours == theirs
