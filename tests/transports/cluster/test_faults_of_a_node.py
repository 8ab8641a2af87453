"""A fault of the node that has the station: its log has it, and the caller learns that there was one."""

import asyncio

import anyio
import pytest

from ocpp_transports import ConnectionLostError, RPCError
from ocpp_transports.cluster import MemoryCluster
from tests.transports.cluster.servers import RESET, connected, server_in
from tests.transports.pairs import SECONDS

pytestmark = pytest.mark.anyio


async def test_is_logged_there_and_its_text_does_not_reach_the_caller(caplog):
    shared = MemoryCluster()
    async with server_in(shared, "one") as one, server_in(shared, "two") as two, connected(one):

        async def fail(*_):
            raise KeyError("a secret")

        one.get_client("CP1").use(fail)
        with pytest.raises(RPCError) as raised:
            await two.call("CP1", *RESET)
        assert raised.value.code == "InternalError"
        assert "secret" not in str(raised.value)
    [record] = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "a call of another node failed" in record.getMessage()


async def test_that_is_a_cancellation_of_its_own_ends_the_call():
    shared = MemoryCluster()
    async with server_in(shared, "one") as one, server_in(shared, "two") as two, connected(one):

        async def fail(*_):
            raise asyncio.CancelledError  # as after the cancellation of a task for which it waits

        one.get_client("CP1").use(fail)
        with anyio.fail_after(SECONDS), pytest.raises(ConnectionLostError) as raised:
            await two.call("CP1", *RESET)
        assert raised.value.sent
