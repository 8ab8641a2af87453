"""What may carry a client's connection to a server: the same five lines of use for every host."""

from collections import deque
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from ocpp_core.handshake import encode_basic
from ocpp_transports import OCPPClient, browser
from ocpp_transports.asgi import OCPPApplication
from ocpp_transports.channel import ChannelClosed, Reject, UpgradeOffer
from ocpp_transports.memory import MemoryOCPPClient, memory_channels
from ocpp_transports.wslib import WebsocketsOCPPClient, serve

OPTIONS = {"protocols": ["ocpp1.6"], "backoff_min": 0.01, "backoff_max": 0.02, "call_timeout": 10}


def door(server, make):
    """Give a server, and what makes clients of it."""

    def client(identity="CP1", **options):
        return make(identity, **{**OPTIONS, **options})

    return SimpleNamespace(server=server, client=client)


def dialling(kind, port, path="/ocpp"):
    return lambda identity, **options: kind(identity, f"ws://127.0.0.1:{port}{path}", **options)


@asynccontextmanager
async def sockets(server):
    async with server:
        listener = await server.listen(0, "127.0.0.1")
        yield door(server, dialling(OCPPClient, listener.port))


@asynccontextmanager
async def memory(server):
    async with server:
        yield door(server, lambda identity, **options: MemoryOCPPClient(identity, server, **options))


@asynccontextmanager
async def websockets_server(server):
    async with serve(server, "127.0.0.1", 0) as listening:
        yield door(server, dialling(OCPPClient, listening.sockets[0].getsockname()[1]))


@asynccontextmanager
async def websockets_client(server):
    async with server:
        listener = await server.listen(0, "127.0.0.1")
        yield door(server, dialling(WebsocketsOCPPClient, listener.port))


class PromptUvicorn(uvicorn.Server):
    """It ends when it is asked to: the real one looks ten times a second whether it was."""

    def __init__(self, config):
        super().__init__(config)
        self.asked_to_end = anyio.Event()

    async def main_loop(self):
        await self.on_tick(0)  # sets the headers of all its answers
        await self.asked_to_end.wait()


@asynccontextmanager
async def uvicorn_running(app, implementation="wsproto"):
    """Run an application under uvicorn; yields its port."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, ws=implementation, log_level="error", timeout_graceful_shutdown=5
    )
    running, stopped = PromptUvicorn(config), anyio.Event()

    async def run():
        await running._serve()  # without its signal handlers
        stopped.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        while not running.started:  # noqa: ASYNC110 - it has no event for it
            await anyio.sleep(0.01)
        try:
            yield running.servers[0].sockets[0].getsockname()[1]
        finally:
            running.asked_to_end.set()
            with anyio.CancelScope(shield=True):
                await stopped.wait()


@asynccontextmanager
async def asgi_on_wsproto(server):
    async with uvicorn_running(OCPPApplication(server)) as port:
        yield door(server, dialling(OCPPClient, port))
        await server.close()


@asynccontextmanager
async def asgi_on_websockets(server):
    async with uvicorn_running(OCPPApplication(server), "websockets-sansio") as port:
        yield door(server, dialling(OCPPClient, port))
        await server.close()


@asynccontextmanager
async def mounted(server):
    """A route of Starlette beside others, whose lifespan has the server's block."""

    @asynccontextmanager
    async def lifespan(_):
        async with server:
            yield

    app = Starlette(routes=[Mount("/ocpp", OCPPApplication(server))], lifespan=lifespan)
    async with uvicorn_running(app) as port:
        yield door(server, dialling(OCPPClient, port))
        await server.close()


@asynccontextmanager
async def page(server):
    """The browser's client, in a page whose sockets lead into the server."""
    module: Any = browser
    real, module.JsPage = module.JsPage, lambda failed: MemoryPage(server)
    try:
        async with server:
            yield door(
                server, lambda identity, **options: browser.BrowserOCPPClient(identity, "ws://page/ocpp", **options)
            )
    finally:
        module.JsPage = real


class MemoryPage:
    """Opens sockets as browsers do: credentials only when asked for, no reason why it failed, events from outside."""

    def __init__(self, server):
        self._server = server

    def open(self, url, subprotocols, listener):
        socket = MemoryPageSocket(listener)
        self._server._start()[0].spawn(socket.run(self._server, urlsplit(url), subprotocols))
        return socket


class MemoryPageSocket:
    def __init__(self, listener):
        self._ear = listener
        self._channel: Any = None
        self._output: deque[Any] = deque()
        self._closing = None
        self._changed = anyio.Event()
        self.is_open = False
        self.buffered = 0

    async def run(self, server, url, subprotocols):
        incoming, answer = await self._ask(server, url, subprotocols, [])
        if (
            isinstance(answer, Reject)
            and any(name == "www-authenticate" for name, _ in answer.headers)
            and url.username
        ):
            basic = encode_basic(unquote(url.username), unquote(url.password))
            incoming, answer = await self._ask(server, url, subprotocols, [("Authorization", basic)])
        if isinstance(answer, Reject):
            self._emit("failed")
            self._emit("closed", 1006, "")
            return
        self._channel, theirs = memory_channels()
        incoming.start_carrying(theirs)
        self.is_open = True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write)
            self._emit("opened", answer.subprotocol or "")
            await self._hear()
            tasks.cancel_scope.cancel()

    async def _ask(self, server, url, subprotocols, headers):
        target = url.path + (f"?{url.query}" if url.query else "")
        offer = UpgradeOffer(target, [("Host", "page"), *headers], tuple(subprotocols), "127.0.0.1")
        incoming = server.incoming(offer)
        return incoming, await incoming.decision()

    async def _hear(self):
        try:
            while True:
                self._emit("on_message", await self._channel.receive())
        except ChannelClosed as end:
            self.is_open = False
            self._emit("closed", end.code, end.reason)

    async def _write(self):
        while True:
            while self._output:
                await self._channel.send(self._output.popleft())
            if self._closing is not None:
                await self._channel.close(*self._closing)
            self._changed = anyio.Event()
            await self._changed.wait()

    def _emit(self, name, *what):
        if self._ear is not None:
            getattr(self._ear, name)(*what)

    def send(self, text):
        self._output.append(text)
        self._changed.set()

    def close(self, code, reason):
        assert code == 1000 or 3000 <= code <= 4999, "InvalidAccessError"
        self.is_open = False
        self._closing = code, reason
        self._changed.set()

    def drop(self):
        self._ear = None
        self.is_open = False
        if self._channel is not None:
            self._channel.abort()


def is_challenge(answer):
    return isinstance(answer, Reject) and "www-authenticate" in dict(answer.headers)


CARRIERS = {
    "sockets": (sockets, ("asyncio", "trio")),
    "memory": (memory, ("asyncio", "trio")),
    "websockets_server": (websockets_server, ("asyncio",)),
    "websockets_client": (websockets_client, ("asyncio",)),
    "asgi_on_wsproto": (asgi_on_wsproto, ("asyncio",)),
    "asgi_on_websockets": (asgi_on_websockets, ("asyncio",)),
    "mounted": (mounted, ("asyncio",)),
    "page": (page, ("asyncio",)),
}
