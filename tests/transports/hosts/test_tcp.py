"""What Linux tells of a connection without touching it; elsewhere nothing is known."""

import socket
import struct
import sys
from contextlib import suppress
from unittest.mock import Mock

import pytest

from ocpp_transports._hosts._tcp import acknowledged, is_broken, unconfirmed
from tests.kinds import an

linux = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO of other systems is another one, and not asked")
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER so that a close resets the connection."""


@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as server:
        peer = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    with peer, ours:
        ours.settimeout(10)
        yield ours, peer


@linux
def test_an_open_connection_is_whole_and_counts_what_was_confirmed(pair):
    ours, peer = pair
    before = an(int, acknowledged(ours))
    ours.sendall(b"x" * 1000)
    assert peer.recv(2000) == b"x" * 1000
    while acknowledged(ours) == before:  # the confirmation is on its way
        pass
    assert (an(int, acknowledged(ours)) - before, is_broken(ours)) == (1000, False)


@linux
def test_output_is_under_way_until_the_peer_has_confirmed_all(pair):
    ours, peer = pair
    peer.settimeout(10)
    assert unconfirmed(ours) == 0
    ours.setblocking(False)
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += ours.send(b"x" * 65536)
    before = an(int, unconfirmed(ours))
    assert before
    while sent:
        sent -= len(peer.recv(65536))
        now = an(int, unconfirmed(ours))
        assert now == 0 or now >= before
    while unconfirmed(ours):  # the last confirmation is on its way
        pass
    assert an(int, acknowledged(ours)) > before


@linux
def test_a_reset_shows_although_there_is_something_to_read(pair):
    ours, peer = pair
    peer.sendall(b"the last words")
    assert ours.recv(14, socket.MSG_PEEK)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    while not is_broken(ours):  # the reset is on its way
        pass
    assert ours.recv(20) == b"the last words"


@linux
def test_an_orderly_end_is_no_break(pair):
    ours, peer = pair
    peer.sendall(b"the last words")
    peer.close()
    assert ours.recv(20) == b"the last words"
    assert ours.recv(20) == b""
    assert not is_broken(ours)


def test_nothing_is_known_of_what_is_no_tcp_socket():
    ours, peer = socket.socketpair()
    with ours, peer:
        assert (acknowledged(ours), is_broken(ours)) == (None, False)
    assert (acknowledged(ours), is_broken(ours)) == (None, False)
    closed_on_uvloop = Mock(getsockopt=Mock(side_effect=ValueError("negative file descriptor")))
    assert (acknowledged(closed_on_uvloop), is_broken(closed_on_uvloop)) == (None, False)
    assert (acknowledged(None), unconfirmed(None), is_broken(None)) == (None, None, False)
