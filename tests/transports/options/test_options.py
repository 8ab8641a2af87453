"""Options: their names for type checkers, and the defaults that the documentation promises."""

import os
import re
from dataclasses import fields
from math import inf

import pytest

from ocpp_transports import BrowserOCPPClient, OCPPClient, Peer
from ocpp_transports._options._client import ClientOptions
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports._options._keywords import (
    ClientChanges,
    ClientKeywords,
    PeerKeywords,
    ReconnectKeywords,
    ServerKeywords,
    SocketKeywords,
)
from ocpp_transports._options._message_ids import new_message_id
from ocpp_transports._options._reconnect import ReconnectOptions
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._options._socket import SocketOptions
from ocpp_transports._options._validators import shared_validator, warm_up
from ocpp_transports._peer._call_options import CallKeywords, CallOptions
from ocpp_transports.memory import connected_pair
from ocpp_transports.wslib import WebsocketsOCPPClient


def names(cls):
    return {field.name for field in fields(cls)}


class TestKeywords:
    """What type checkers offer is what the options are."""

    def test_of_all_connections(self):
        assert set(PeerKeywords.__annotations__) == names(PeerOptions) - {"protocols"}
        assert set(SocketKeywords.__annotations__) == names(SocketOptions) - {"protocols"}

    def test_of_clients(self):
        assert set(ReconnectKeywords.__annotations__) == names(ReconnectOptions) - {"protocols", "identity", "endpoint"}
        assert set(ClientKeywords.__annotations__) == names(ClientOptions) - {"protocols", "identity", "endpoint"}
        assert set(ClientChanges.__annotations__) == names(ClientOptions) - {"identity"}

    def test_of_servers(self):
        assert set(ServerKeywords.__annotations__) == names(ServerOptions)

    def test_of_calls(self):
        assert set(CallKeywords.__annotations__) == names(CallOptions)


class TestKeepalive:
    @pytest.mark.parametrize(
        ("ping_interval", "pong_timeout", "expected"),
        [(30, None, (30, 35)), (0, None, (inf, inf)), (10, 0, (10, inf)), (10, 3, (10, 3)), (inf, 3, (inf, 3))],
    )
    def test_zero_turns_it_off(self, ping_interval, pong_timeout, expected):
        link = ServerOptions(ping_interval=ping_interval, pong_timeout=pong_timeout).link
        assert (link.ping_interval, link.pong_timeout) == expected


class TestProtocols:
    @pytest.mark.parametrize("client", [OCPPClient, BrowserOCPPClient, WebsocketsOCPPClient])
    def test_of_a_client_are_those_of_ocpp_newest_first_unless_it_says_others(self, client):
        assert client("CP1", "ws://127.0.0.1")._options.protocols == ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
        assert client("CP1", "ws://127.0.0.1", protocols=["ocpp1.6"])._options.protocols == ("ocpp1.6",)

    @pytest.mark.anyio
    async def test_of_a_client_in_memory_too(self):
        async with connected_pair() as (client, station):
            assert client.protocol == station.protocol == "ocpp2.1"
            assert isinstance(client, Peer)
            assert isinstance(station, Peer)


class TestStrictMode:
    def test_validators_are_shared_by_all_connections(self):
        one, two = ServerOptions(strict_mode=True), ServerOptions(strict_mode=["ocpp1.6"])
        assert one.validators["ocpp1.6"] is two.validators["ocpp1.6"] is shared_validator("ocpp1.6")
        assert set(two.validators) == {"ocpp1.6"}

    def test_warm_up_compiles_what_it_is_asked_for(self):
        warm_up("ocpp1.6", ["Heartbeat"])
        assert all(message.is_compiled for message in shared_validator("ocpp1.6")._messages["Heartbeat"].values())
        with pytest.raises(ValueError, match="Heartbeet"):
            warm_up("ocpp1.6", ["Heartbeet"])
        with pytest.raises(ValueError, match=r"vendor1"):
            warm_up("vendor1")


class TestMessageIds:
    def test_are_short_and_never_the_same(self):
        ids = [new_message_id() for _ in range(1000)]
        assert len(set(ids)) == 1000
        assert all(re.fullmatch(r"[0-9a-f]{24}-[0-9a-f]{1,11}", each) for each in ids)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_of_a_forked_child_are_others(self):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.write(writing, new_message_id().encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            assert pipe.read().split("-")[0] != new_message_id().split("-")[0]
