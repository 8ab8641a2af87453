"""A blocking server and its stations, on each kind of event loop that differs."""

from contextlib import contextmanager

import pytest

from ocpp_transports.blocking import BlockingClient, BlockingServer
from tests.transports.blocking.waiting import SECONDS


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def loop(request):
    return request.param


@pytest.fixture
def server(loop):
    with BlockingServer(protocols=["ocpp1.6"], loop=loop, handler_grace=0) as server:
        yield server


@pytest.fixture
def connect(server, loop):
    """Connect a station to the server; yields the client and the server's handle on it."""
    listener = server.listen(0, "127.0.0.1")

    @contextmanager
    def connect(identity="CP1", *, before=lambda client: None, **options):
        url = f"ws://127.0.0.1:{listener.port}/ocpp"
        with BlockingClient(identity, url, protocols=["ocpp1.6"], loop=loop, **options) as client:
            before(client)
            client.connect(max_wait=SECONDS)
            yield client, server.wait_for_client(identity, timeout=SECONDS)

    return connect
