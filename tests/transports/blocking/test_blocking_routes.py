"""Routes of a blocking server: their functions run in threads, and may block."""

import threading
from typing import Any

import pytest

from ocpp_transports import StationKey, UnexpectedHttpResponse
from ocpp_transports.blocking import BlockingClient
from tests.transports.blocking.waiting import SECONDS


def test_functions_of_routes_run_in_threads(server, loop):
    threads: list[Any] = []

    def noted(value):
        threads.append(threading.current_thread())
        return value

    def reject(accept, reject, handshake):
        noted(reject(403))

    outer = server.route("/closed/{identity}", auth=reject)
    inner = outer.route("/{tenant}", namespace=lambda handshake: noted(handshake.params["tenant"]))
    inner.handle("Heartbeat", lambda ctx: noted({"currentTime": ctx.client.namespace}))

    @inner.auth
    def admit(accept, reject, handshake):
        noted(accept())

    port = server.listen(0, "127.0.0.1").port
    url = f"ws://127.0.0.1:{port}/closed"
    refused = BlockingClient("CP1", url, protocols=["ocpp1.6"], loop=loop)
    with refused, pytest.raises(UnexpectedHttpResponse):
        refused.connect(max_wait=SECONDS)
    with BlockingClient("acme", f"{url}/CP1", protocols=["ocpp1.6"], loop=loop) as client:
        client.connect(max_wait=SECONDS)
        station = server.wait_for_client(StationKey("acme", "CP1"), timeout=SECONDS)
        assert (station.key, station.namespace) == (("acme", "CP1"), "acme")
        assert client.call("Heartbeat") == {"currentTime": "acme"}
    loop_thread = server.run_async(current_thread)
    assert len(threads) == 4
    assert loop_thread not in threads


async def current_thread():
    return threading.current_thread()
