"""A handshake that ends while its station is read."""

import logging
from types import SimpleNamespace

import pytest

from ocpp_core.admission.step import Candidate
from ocpp_core.cluster.shared.records import SharedAnswer, StationMemory
from ocpp_transports._logging._log import Log
from ocpp_transports._server._cluster._sharing import Sharing
from ocpp_transports.cluster import Cluster, MemoryCluster
from tests.kinds import mistyped

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    """The answer arrives in the same turn as the end, as it may on trio."""
    return "asyncio"


@pytest.mark.parametrize("ends", [True, False])
async def test_leaves_nothing_behind(ends):
    log = Log(logging.getLogger("test.sharing"), "server", is_station=False)
    sharing = Sharing(Cluster(MemoryCluster(), share={"answers"}), log)
    sharing.start(mistyped(SimpleNamespace(now=lambda: 0.0)))

    async def read(*_):
        if ends:
            sharing.ended("CP1", "connection", None)
        return StationMemory(answers=((SharedAnswer("a", "digest", "text"), 9.0),))

    mistyped(sharing._host).read = read
    assert await sharing.read("CP1", "connection", mistyped(Candidate)(None, None), 1, None)
    assert sharing._reading == set()
    assert (len(sharing._returning), "a" in mistyped(sharing.answers).of("CP1")) == (not ends, not ends)
