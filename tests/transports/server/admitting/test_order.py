"""The order of all checks of a handshake: a request that breaks several rules gets the answer of the first of them."""

from dataclasses import dataclass

import anyio
import pytest

from ocpp_transports.events import SecurityEvent
from tests.transports.pairs import SECONDS, client_of, first, knock, never, serving, station_of

pytestmark = pytest.mark.anyio

RIGHT = "Q1AxOnNlY3JldA=="  # CP1:secret

# What is mended before the request is repeated: the request or an option; the answer until then, and how it is reported
ORDER = [
    ("method", "GET", 405, "malformed_handshake"),
    ("version", "13", 426, "malformed_handshake"),
    ("key", "dGhlIHNhbXBsZSBub25jZQ==", 400, "malformed_handshake"),
    ("max_handshakes", 5, 503, "busy"),
    ("handshake_rate", 1e9, 429, "handshake_rate"),
    ("denied_addresses", (), 403, "denied_address"),
    ("origin", "https://app.example", 403, "denied_origin"),
    ("path", "/ocpp/TOO-LONG", 400, "malformed_handshake"),
    ("protocol", "ocpp1.6", 400, "bad_subprotocol"),
    ("path", "/ocpp/CP1", 400, "bad_identity"),
    ("authorization", RIGHT, 401, "bad_credentials"),
    ("reject", None, 402, "refused_by_application"),
    ("max_connections", 5, 503, "full"),
]


@dataclass
class Request:
    """An upgrade request; as it is made, it is right."""

    method: str = "GET"
    version: str = "13"
    key: str = "dGhlIHNhbXBsZSBub25jZQ=="
    origin: str = "https://app.example"
    path: str = "/ocpp/CP1"
    protocol: str = "ocpp1.6"
    authorization: str = RIGHT

    def text(self):
        return (
            f"{self.method} {self.path} HTTP/1.1\r\nHost: csms.example\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: {self.version}\r\nSec-WebSocket-Key: {self.key}\r\n"
            f"Origin: {self.origin}\r\nSec-WebSocket-Protocol: {self.protocol}\r\n"
            f"Authorization: Basic {self.authorization}\r\n\r\n"
        ).encode()


async def test_a_request_that_breaks_every_rule_gets_the_answer_of_each_in_turn():
    status: int | None = 402
    asked = anyio.Event()

    async def auth(accept, reject, handshake):
        if handshake.identity == "WAITS":
            asked.set()
            await never()
        elif status and handshake.identity == "CP1":
            reject(status)
        else:
            accept()

    options = {
        "security_profile": 1,
        "credentials": {"CP1": "secret", "CP2": "secret", "WAITS": "secret"},
        "auth": auth,
        "allowed_origins": ["https://app.example"],
        "max_identity_length": 5,
        "max_connections": 1,
        "max_sockets": 9,
        "max_sockets_per_address": 9,
    }
    async with (
        serving(**options) as (server, listener),
        client_of(listener, "CP2", security_profile=1, password="secret") as full,
        await anyio.connect_tcp("127.0.0.1", listener.port) as waiting,
        server.events("security") as incidents,
    ):
        await full.connect()
        await station_of(server, "CP2")
        await waiting.send(Request(path="/ocpp/WAITS", authorization="V0FJVFM6c2VjcmV0").text())
        with anyio.fail_after(SECONDS):
            await asked.wait()
        server.reconfigure(max_handshakes=1, handshake_rate=0.001, handshake_burst=1)
        server.reconfigure(denied_addresses=["127.0.0.0/8"])
        request = Request(
            method="POST",
            version="8",
            key="short",
            origin="https://evil.example",
            path="//[",
            protocol="ocpp0.1",
            authorization="Q1AxOndyb25n",
        )
        for name, mended, expected, kind in ORDER:
            if name == "handshake_rate":  # there was a token for the first one
                server._acceptor.limits._rates._rate.take("127.0.0.1", server._runtime.now())
            got, headers, _ = await knock(listener, request.text(), eof=request.method == "POST")
            incident = await first(incidents)
            assert isinstance(incident, SecurityEvent)
            assert (got, incident.kind) == (expected, kind), f"before {name} is mended"
            assert ("retry-after" in headers) is (expected in {429, 503})
            if hasattr(request, name):
                setattr(request, name, mended)
            elif name == "reject":
                status = None
            else:
                server.reconfigure(**{name: mended})
        async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
            await stream.send(request.text())
            assert (await stream.receive()).startswith(b"HTTP/1.1 101 ")
