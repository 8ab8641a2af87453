"""Servers for this machine refuse the pages of others: a browser names the page's origin (RFC 6455 §10.2)."""

import pytest

from ocpp_apps.origins import refuse_foreign_pages
from tests.interop.raw import connected, hello, knock
from tests.transports.pairs import client_of, serving

pytestmark = pytest.mark.anyio
MINE = ["http://127.0.0.1:8000", "http://localhost", "https://LOCALHOST:8443", "http://[::1]:8000"]
FOREIGN = [
    "https://evil.example", "http://127.0.0.1.evil.example", "http://evil.example:8000", "http://127.0.0.2", "file://",
    "null", "", "http://127.0.0.1:8000, https://evil.example", "http://localhost@evil.example", "http://127.0.0.1:",
]  # fmt: skip
ALLOWED = "http://192.168.0.2:8000"


class TestAServerForThisMachine:
    @pytest.mark.parametrize("origin", [*MINE, ALLOWED])
    async def test_lets_its_pages_and_those_that_are_allowed_in(self, origin):
        async with serving() as (server, listener), connected(listener.port) as raw:
            refuse_foreign_pages(server, [ALLOWED])
            await raw.send(hello("/CP1", ("Origin", origin)))
            assert (await raw.head()).startswith(b"HTTP/1.1 101 ")

    @pytest.mark.parametrize("origin", FOREIGN)
    async def test_refuses_all_others(self, origin):
        async with serving() as (server, listener):
            refuse_foreign_pages(server, [ALLOWED])
            assert (await knock(listener.port, hello("/CP1", ("Origin", origin)))).status == 403

    async def test_lets_stations_in(self):
        async with serving() as (server, listener), client_of(listener) as client:
            refuse_foreign_pages(server)
            assert await client.connect() == "ocpp1.6"
