"""Requests to a server on the `websockets` library: plain ones, and those that come to nothing."""

import json
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

import anyio
import pytest

from ocpp_transports import OCPPClient, OCPPServer
from ocpp_transports.wslib import serve
from tests.transports.pairs import SECONDS, knock, upgrade

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def port_of(listening):
    return listening.sockets[0].getsockname()[1]


class TestTheServer:
    async def test_tells_plain_requests_to_upgrade(self):
        async with serve(OCPPServer(protocols=["ocpp1.6"]), "127.0.0.1", 0) as listening:
            url = f"http://127.0.0.1:{port_of(listening)}/ocpp/CP1"
            with pytest.raises(HTTPError) as refused:
                await anyio.to_thread.run_sync(urlopen, url)
            refused.value.close()
        assert (refused.value.code, refused.value.headers["upgrade"]) == (426, "websocket")

    async def test_has_functions_as_on_sockets_of_our_own(self):
        server = OCPPServer(protocols=["ocpp1.6"], http=True)
        server.http("/nothing")(lambda request: (204, {}, None))
        server.http("/bytes")(lambda request: (404, {"Content-Type": "text/css"}, b"\xff"))
        async with serve(server, "127.0.0.1", 0) as listening:
            url = f"http://127.0.0.1:{port_of(listening)}"
            with await anyio.to_thread.run_sync(urlopen, f"{url}/health") as healthy:
                assert (healthy.status, healthy.headers["content-type"]) == (200, "application/json")
                assert json.load(healthy) == {"status": "ok"}
            with await anyio.to_thread.run_sync(urlopen, f"{url}/nothing") as empty:
                assert (empty.status, empty.headers["content-length"], empty.read()) == (204, None, b"")
            with pytest.raises(HTTPError) as refused:
                await anyio.to_thread.run_sync(urlopen, f"{url}/bytes")
            with refused.value:
                assert (refused.value.code, refused.value.headers["content-type"]) == (404, "text/css")
                assert refused.value.read() == b"\xff"

    @pytest.mark.parametrize("request_line", [b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", upgrade()])
    async def test_gives_no_place_to_a_peer_that_has_left(self, request_line):
        """The library itself waits for a decision that nobody wants any more."""
        begun, ended = anyio.Event(), anyio.Event()

        async def slow(*_):
            begun.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        server = OCPPServer(protocols=["ocpp1.6"], auth=lambda *arguments: slow(*arguments))
        server.http("/slow")(lambda request: slow(request))
        async with serve(server, "127.0.0.1", 0) as listening:
            with anyio.fail_after(SECONDS):
                async with await anyio.connect_tcp("127.0.0.1", port_of(listening)) as stream:
                    await stream.send(request_line)
                    await begun.wait()
                await ended.wait()

    @pytest.mark.parametrize(
        ("before", "after"),
        [(b"dGhlIHNhbXBsZSBub25jZQ==", b"x"), (b"Version: 13", b"Version: 8"), (b"Connection: Upgrade\r\n", b"")],
    )
    async def test_gives_no_place_to_a_request_that_the_library_refuses(self, before, after):
        server = OCPPServer(protocols=["ocpp1.6"], max_connections=1)
        async with serve(server, "127.0.0.1", 0) as listening:
            status, *_ = await knock(SimpleNamespace(port=port_of(listening)), upgrade().replace(before, after))
            assert status in (400, 426)
            url = f"ws://127.0.0.1:{port_of(listening)}"
            async with OCPPClient("CP2", url, protocols=["ocpp1.6"], reconnect=False) as client:
                await client.connect()

    async def test_upgrades_by_get_alone(self):
        async with serve(OCPPServer(protocols=["ocpp1.6"], http=True), "127.0.0.1", 0) as listening:
            request = upgrade("/health").replace(b"GET", b"HEAD")
            assert (await knock(SimpleNamespace(port=port_of(listening)), request))[0] == 200

    async def test_answers_a_plain_request_before_the_library_drops_it(self):
        server = OCPPServer(protocols=["ocpp1.6"], handshake_timeout=0.05, logging=False)

        @server.http("/slow")
        async def slow(request):
            await anyio.sleep_forever()

        async with serve(server, "127.0.0.1", 0) as listening:
            url = f"http://127.0.0.1:{port_of(listening)}/slow"
            with pytest.raises(HTTPError) as caught:
                await anyio.to_thread.run_sync(urlopen, url)
            assert caught.value.code == 500
            caught.value.close()
