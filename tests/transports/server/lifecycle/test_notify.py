"""What a service tells systemd, on real datagram sockets."""

import os
import signal
import socket
import sys
from contextlib import closing
from functools import partial
from math import inf

import anyio
import anyio.to_thread
import pytest

from ocpp_transports._server._lifecycle._notify import Notifier
from tests.transports.pairs import SECONDS, serving

ABSTRACT = pytest.param("abstract", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux"))


@pytest.fixture(params=["path", ABSTRACT])
def systemd(request, tmp_path):
    """A socket that receives as systemd does, and its name."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@ocpp-notify-{os.getpid()}"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sock:
        sock.settimeout(SECONDS)
        sock.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        yield sock, name


def received(sock):
    return sock.recv(4096).decode()


class TestMessages:
    def test_have_the_words_of_sd_notify(self, systemd):
        sock, name = systemd
        notifier = Notifier({"NOTIFY_SOCKET": name})
        notifier.ready()
        notifier.stopping(35.5)
        notifier.alive()
        assert [received(sock) for _ in range(3)] == [
            "READY=1",
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=35500000",
            "WATCHDOG=1",
        ]

    def test_of_an_endless_stop_are_bounded(self, systemd):
        sock, name = systemd
        Notifier({"NOTIFY_SOCKET": name}).stopping(inf)
        assert received(sock) == "STOPPING=1\nEXTEND_TIMEOUT_USEC=86400000000"

    @pytest.mark.parametrize("variables", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}], ids=repr)
    def test_are_not_sent_without_a_socket(self, variables):
        notifier = Notifier({**variables, "WATCHDOG_USEC": "1000000"})
        notifier.ready()
        assert (notifier.is_wanted, notifier.watchdog_interval) == (False, None)

    def test_that_nobody_receives_are_lost_without_an_error(self, tmp_path):
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()

    def test_never_wait_for_a_receiver_that_does_not_read(self, systemd):
        _, name = systemd
        notifier = Notifier({"NOTIFY_SOCKET": name})
        for _ in range(5000):
            notifier.alive()

    @pytest.mark.parametrize(
        ("variables", "interval"),
        [
            ({"WATCHDOG_USEC": "3000000"}, 1.5),
            ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
            ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
            ({"WATCHDOG_USEC": "0"}, None),
            ({"WATCHDOG_USEC": "soon"}, None),
            ({}, None),
        ],
        ids=["each process", "this process", "another process", "never", "not a number", "not asked for"],
    )
    def test_of_life_come_twice_in_the_time_that_systemd_waits(self, variables, interval):
        assert Notifier({"NOTIFY_SOCKET": "/run/x", **variables}).watchdog_interval == interval


@pytest.mark.anyio
class TestAServerAsService:
    async def test_tells_its_start_its_life_and_its_stop(self, systemd, monkeypatch):
        sock, name = systemd
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        monkeypatch.setenv("WATCHDOG_USEC", "2000")
        read = partial(anyio.to_thread.run_sync, received, sock)
        options = {"close_window": 10, "drain_timeout": 20, "close_timeout": 5}
        async with serving(**options) as (server, _), anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve_forever)
            assert await read() == "READY=1"
            assert [await read() for _ in range(3)] == ["WATCHDOG=1"] * 3
            signal.raise_signal(signal.SIGTERM)
            while (last := await read()) == "WATCHDOG=1":
                pass
            assert last == "STOPPING=1\nEXTEND_TIMEOUT_USEC=55000000"
