"""A station that returns while its old socket lingers: a mobile network drops a connection without a word."""

import anyio
import pytest

from ocpp_transports import OCPPServer, UnexpectedHttpResponse
from tests.transports.pairs import client_of, first, serving, station_of, upgrade

pytestmark = pytest.mark.anyio

AT_THE_CAP = [
    {"max_connections": 1},
    {"max_connections": 1, "max_sockets": 2},
    {"max_sockets": 2, "max_sockets_per_address": 2},
    {"max_connections": 1, "max_handshakes": 1},
]


@pytest.mark.parametrize("options", AT_THE_CAP, ids=str)
async def test_is_admitted_at_the_cap(options):
    async with (
        serving(**options) as (server, listener),
        await anyio.connect_tcp("127.0.0.1", listener.port) as stale,
        client_of(listener) as client,
        server.events("client") as opened,
    ):
        await stale.send(upgrade())
        older = await first(opened)
        await client.connect()
        assert await first(opened) is server.get_client("CP1") is not older


async def test_is_told_apart_from_another_station_at_the_cap():
    async with (
        serving(max_connections=1) as (server, listener),
        client_of(listener) as client,
        client_of(listener, "CP2", reconnect=False) as other,
    ):
        await client.connect()
        await station_of(server)
        with pytest.raises(UnexpectedHttpResponse, match="503") as caught:
            await other.connect()
        assert caught.value.reason == "Full"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_connections": 5, "max_sockets": 5}, r"expected max_sockets > max_connections \(5\), got 5"),
        ({"max_sockets_per_address": 1}, "max_sockets_per_address >= 2"),
    ],
)
def test_has_a_socket_beside_its_old_one(options, text):
    with pytest.raises(ValueError, match=text):
        OCPPServer(**options)
