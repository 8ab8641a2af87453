"""The server's side of ASGI, played by a test, and what the tests of the application have in common."""

import anyio

from ocpp_transports import OCPPServer
from tests.transports.pairs import SECONDS


def csms(**options):
    server = OCPPServer(protocols=["ocpp1.6"], **options)
    server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
    return server


async def answer_to(port, request):
    """Send a request and read the answer until its end."""
    with anyio.fail_after(SECONDS):
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(request)
            return b"".join([chunk async for chunk in stream]).decode()


class Played:
    """An ASGI server that says what the test says; `sent` is what the application sent."""

    def __init__(self, *messages):
        self.messages, self.sent = list(messages), []
        self.arrived = anyio.Event()

    def put(self, message):
        self.messages.append(message)
        self.arrived.set()

    async def receive(self):
        while not self.messages:
            self.arrived = anyio.Event()
            await self.arrived.wait()
        return self.messages.pop(0)

    async def send(self, message):
        self.sent.append(message)


def scope(**more):
    headers = [(b"host", b"csms.example"), (b"sec-websocket-protocol", b"ocpp1.6")]
    return {"type": "websocket", "path": "/ocpp/CP1", "headers": headers, "subprotocols": ["ocpp1.6"], **more}
