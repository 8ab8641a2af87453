"""Peers that ask for pages and do not read them cannot fill the memory."""

import gc
import socket
import tracemalloc

import anyio
import anyio.lowlevel
import pytest

from ocpp_transports._driver._limits import LINGER
from ocpp_transports._hosts import _anyio_stream, _asyncio_socket
from ocpp_transports._hosts._epoll import _connection as _epoll_socket
from ocpp_transports._server._plain._budget import MAX_RESPONSES, ResponseBudget
from tests.transports.pairs import SECONDS, knock, serving
from tests.transports.server.test_http import get


class Clock:
    time = 100.0

    def now(self):
        return self.time


def test_responses_count_for_as_long_as_they_may_take():
    clock = Clock()
    budget = ResponseBudget(clock.now)
    spent = []
    for seconds, size in ((0, MAX_RESPONSES - 1), (1, 1), (3.9, 0), (0.1, 0)):
        clock.time += seconds
        budget.spend(size)
        spent.append(budget.is_spent)
    assert spent == [False, True, True, False]


def test_old_responses_are_forgotten_also_if_only_checks_are_answered():
    clock = Clock()
    budget = ResponseBudget(clock.now)
    for _ in range(1000):
        clock.time += 1
        budget.spend(15)
    assert len(budget._recent) <= LINGER + 1


@pytest.mark.anyio
async def test_beyond_it_functions_and_metrics_are_refused_and_checks_are_answered():
    async with serving(http=True, metrics=True) as (server, listener):
        server.http("/page")(lambda request: (200, {}, b"x"))
        assert (await knock(listener, get("/page")))[0] == 200
        server._acceptor.plain._budget.spend(MAX_RESPONSES)
        for path, status in (("/page", 503), ("/metrics", 503), ("/health", 200), ("/ready", 200), ("/other", 426)):
            assert (await knock(listener, get(path)))[0] == status, path


@pytest.mark.anyio
async def test_of_a_peer_that_reads_nothing_no_byte_outlives_its_connection(monkeypatch):
    """Without a garbage collection: a cancelled task of trio is part of a reference cycle."""
    for module in (_anyio_stream, _asyncio_socket, _epoll_socket):
        monkeypatch.setattr(module, "LINGER", 0.05)
    async with serving(max_outgoing_size=9_000_000) as (server, listener):
        server.http("/page")(lambda request: (200, {}, b"x" * 8_000_000))
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            with socket.socket() as peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                peer.connect(("127.0.0.1", listener.port))
                peer.sendall(get("/page"))
                with anyio.fail_after(SECONDS):
                    while tracemalloc.get_traced_memory()[1] < 8_000_000 or server.stats().sockets:
                        await anyio.lowlevel.checkpoint()
                assert tracemalloc.get_traced_memory()[0] < 4_000_000
        finally:
            tracemalloc.stop()
            gc.enable()
