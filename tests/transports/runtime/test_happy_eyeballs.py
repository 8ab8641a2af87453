"""Opening a connection to one of several addresses: RFC 8305, on asyncio, which does not do it well itself."""

import asyncio
import gc
import socket
from typing import Any

import pytest

from ocpp_transports._runtime import _happy_eyeballs as _connect
from ocpp_transports._runtime._happy_eyeballs import connect, interleaved
from tests.kinds import an
from tests.transports.hosts.test_host_clocks import JumpingLoop

V4, V6 = socket.AF_INET, socket.AF_INET6
TCP = socket.SOCK_STREAM


class Network:
    """Addresses by name, each with what a connection to it does; nothing leaves the machine."""

    def __init__(self, monkeypatch):
        self.tried, self.sockets = [], []
        self._monkeypatch = monkeypatch

    def run(self, behaviours, then=None):
        """Connect to a host of these addresses; returns the socket and the seconds it took."""

        async def resolve(host, port):
            return [(V4, TCP, 0, "", behaviour) for behaviour in behaviours]

        async def main():
            loop: Any = asyncio.get_running_loop()
            loop.sock_connect = self._sock_connect
            start = loop.time()
            if then is not None:
                loop.call_later(then, an(asyncio.Task, asyncio.current_task()).cancel)
            return await connect("host", 1), loop.time() - start

        self._monkeypatch.setattr(_connect, "_resolve", resolve)
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            return runner.run(main())

    async def _sock_connect(self, connecting, behaviour):
        self.tried.append(behaviour)
        self.sockets.append(connecting)
        seconds, error = behaviour
        await asyncio.sleep(seconds)
        if error is not None:
            raise error

    @property
    def open(self):
        return [index for index, connecting in enumerate(self.sockets) if connecting.fileno() >= 0]


@pytest.fixture
def network(monkeypatch):
    network = Network(monkeypatch)
    yield network
    for connecting in network.sockets:
        connecting.close()
    gc.collect()


class TestTheRace:
    def test_takes_the_first_address_if_it_answers(self, network):
        _, seconds = network.run([(0.1, None), (0, None)])
        assert (seconds, network.tried, network.open) == (pytest.approx(0.1, abs=0.05), [(0.1, None)], [0])

    def test_tries_the_next_one_after_a_quarter_of_a_second_and_keeps_the_winner_only(self, network):
        connected, seconds = network.run([(1000, None), (0.1, None)])
        assert seconds == pytest.approx(0.35, abs=0.05)
        assert network.open == [1]
        assert connected is network.sockets[1]

    def test_tries_the_next_one_at_once_after_a_refusal(self, network):
        _, seconds = network.run([(0, ConnectionRefusedError()), (0, None)])
        assert seconds == pytest.approx(0, abs=0.05)
        assert network.open == [1]

    def test_lets_an_early_one_win_late(self, network):
        network.run([(0.6, None), (1000, None), (1000, None)])
        assert network.open == [0]
        assert len(network.tried) == 3

    def test_with_one_address_fails_with_its_error(self, network):
        error = ConnectionRefusedError("refused")
        with pytest.raises(ConnectionRefusedError) as caught:
            network.run([(0, error)])
        assert caught.value is error
        assert network.open == []

    def test_with_several_addresses_names_all_errors(self, network):
        with pytest.raises(OSError, match="refused; unreachable"):
            network.run([(0, ConnectionRefusedError("refused")), (0, OSError("unreachable"))])

    def test_without_any_address_fails(self, network):
        with pytest.raises(OSError, match="no address"):
            network.run([])

    @pytest.mark.parametrize("moment", [0.1, 0.25, 0.3, 0.35, 0.4])
    def test_that_is_cancelled_leaves_no_socket_open(self, network, moment):
        connected = None
        try:
            connected, _ = network.run([(1000, None), (0.1, None)], then=moment)
        except asyncio.CancelledError:
            assert network.open == []
        else:
            assert network.open == [1]
        assert (connected is None) == (moment <= 0.35)


class TestTheOrder:
    def test_alternates_between_the_families(self):
        addresses = [(family, TCP, 0, "", n) for n, family in enumerate([V6, V6, V6, V4, V4])]
        assert [address[4] for address in interleaved(addresses)] == [0, 3, 1, 4, 2]

    @pytest.mark.parametrize("families", [[], [V4], [V4, V4]])
    def test_of_one_family_stays(self, families):
        addresses = [(family, TCP, 0, "", n) for n, family in enumerate(families)]
        assert list(interleaved(addresses)) == addresses


class TestTheName:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_may_be_numeric_or_not(self, host):
        with socket.create_server(("127.0.0.1", 0)) as server:
            connected = asyncio.run(connect(host, server.getsockname()[1]))
            assert connected.getpeername() == server.getsockname()
            assert not connected.getblocking()
            connected.close()

    def test_that_cannot_be_resolved_fails(self):
        with pytest.raises((OSError, UnicodeError)):
            asyncio.run(connect("a" * 64 + ".invalid", 1))
