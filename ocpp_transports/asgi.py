"""A server as an ASGI application, alone or mounted in another one.

It runs under uvicorn, hypercorn and daphne, and in a route of Starlette or FastAPI.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, TypeVar
from urllib.parse import quote, unquote

import anyio

from ocpp_core.messages import utf8_length
from ocpp_core.websocket.close import NO_STATUS, POLICY_VIOLATION, TOO_BIG, cut_reason
from ocpp_core.websocket.headers import joined, with_length

from ._runtime._interrupts import Interrupts
from ._server._plain._http_handlers import plain_request
from ._tls._asgi import certificate_of, fingerprint_in
from .channel import Accept, ChannelClosed, Reject, UpgradeOffer
from .server import OCPPServer

if TYPE_CHECKING:
    from socket import socket

    import uvicorn

__all__ = ["OCPPApplication", "until_drained", "uvicorn_server"]

_SETTINGS_OF_OTHERS: Final[Mapping[str, str]] = {
    "ping_interval": "the ASGI server sends the pings (uvicorn: --ws-ping-interval)",
    "pong_timeout": "the ASGI server waits for the pongs (uvicorn: --ws-ping-timeout)",
    "defer_pings_on_activity": "the ASGI server sends the pings",
    "compression": "the ASGI server compresses (uvicorn: --ws-per-message-deflate)",
    "tls": "the ASGI server does the TLS (uvicorn: --ssl-certfile), or a proxy (tls_terminated=True)",
    "max_tls_handshakes": "the ASGI server does the TLS",
    "certificate_check_interval": "the ASGI server reads the certificates",
    "certificate_warning_days": "the ASGI server reads the certificates",
    "max_sockets": "the ASGI server accepts the sockets (uvicorn: --limit-concurrency)",
    "max_sockets_per_address": "the ASGI server accepts the sockets",
    "require_connection_header": "the ASGI server reads the request",
    "message_timeout": "the ASGI server assembles messages",
    "min_message_rate": "the ASGI server assembles messages",
    "max_unfinished_size": "the ASGI server assembles messages (uvicorn: --ws-max-size)",
}
"""Server options that an ASGI application can neither obey nor enforce, and who is responsible instead."""

_NEEDS_PEERS: Final[Mapping[str, str]] = {
    "trusted_proxies": (
        "the ASGI server may replace the addresses of its peers; turn that off (uvicorn: --no-proxy-headers), and pass "
        "shows_peers=True"
    ),
}

_SAFE: Final = "/:@!$&'()*+,;=~"
"""Characters of a path that need no percent escape."""
_LOOK: Final = 0.1
"""Seconds between two looks at whether uvicorn has to end at once; it looks at its own flags as often."""
_WIDEST: Final = 4
"""Bytes of the widest character in UTF-8."""

_T = TypeVar("_T")
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class OCPPApplication:
    """An ASGI 3 application through which a server receives its stations.

        server = OCPPServer(protocols=["ocpp1.6"])
        app = OCPPApplication(server)                                       # uvicorn module:app
        app = Starlette(routes=[Mount("/ocpp", OCPPApplication(server))])   # or beside your other routes
        fastapi_app.mount("/ocpp", OCPPApplication(server))

    Handlers, events, `auth` and sessions are those of the server. A rejected handshake gets its HTTP status before the
    upgrade. Paths, and the patterns of routes, are relative to the mount point (`root_path`). Without routes, the last
    segment of the path is the identity. As the whole application it opens and closes the server with the process (ASGI
    lifespan); startup fails if nothing checks the passwords of profile 1 or 2, or if a route added meanwhile sets an
    option of the ASGI server. A mounted application receives no lifespan events: put
    `async with server, server.draining():` into the lifespan of the surrounding application.

    A message of more than `max_message_size` bytes closes its connection (1009). The ASGI server is responsible for
    sockets, TLS, pings, compression and unfinished messages.

    An ASGI server may read the fields of proxies itself, as uvicorn does unless it runs with `--no-proxy-headers`. Then
    the address that it passes on is no longer that of the proxy, and a station might be able to choose it.

    Args:
        server: The server that receives the stations.
        shows_peers: True if the ASGI server passes the addresses of its peers on as they are. The option
            `trusted_proxies` needs this.

    Raises:
        ValueError: The server or one of its routes sets options of the ASGI server to other values than their
            defaults, or it sets `trusted_proxies` and `shows_peers` is False.
    """

    def __init__(self, server: OCPPServer, *, shows_peers: bool = False) -> None:
        self.server = server
        """The server that receives the stations."""
        self._settings_of_others = _SETTINGS_OF_OTHERS if shows_peers else {**_SETTINGS_OF_OTHERS, **_NEEDS_PEERS}
        self._expect_options()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or the lifespan. Raises ValueError for any other type of scope."""
        match scope["type"]:
            case "websocket":
                await self._serve(scope, receive, send)
            case "http":
                await self._respond(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case kind:
                raise ValueError(f"expected a scope of type websocket, http or lifespan, got {kind!r}")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # "websocket.connect"
        incoming = self.server.incoming(_offer(scope))
        answer = await _unless_it_leaves(receive, incoming.decision)
        if answer is None:
            incoming.lost()
            return
        if isinstance(answer, Reject):
            await _refuse(scope, send, answer)
            return
        try:
            await send(_acceptance(answer))
        except OSError:  # the station has left
            incoming.lost()
            return
        except BaseException:  # cancelled, or an exception of the ASGI server
            incoming.lost()
            raise
        await incoming.carry(_AsgiChannel(receive, send, incoming.max_message_size))

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain request."""
        offer = _offer(scope)
        request = plain_request(scope["method"], offer.target, joined(offer.headers), offer.remote_address)
        answer = await _unless_it_leaves(receive, partial(self.server.http_response, request))
        if answer is not None:
            is_head = request.method == "HEAD"
            await _answer(send, "http.response", answer.status, answer.headers, answer.body, is_head=is_head)

    def _expect_options(self) -> None:
        """Raise ValueError for options that this application cannot obey."""
        for options in self.server._all_options():
            options.expect_defaults("in an ASGI application", self._settings_of_others)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()  # "lifespan.startup"
        try:
            self._expect_options()  # routes may have been added meanwhile
            self.server._plans[None].expect_deciders()
        except ValueError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        async with self.server, self.server.draining():
            await send({"type": "lifespan.startup.complete"})
            await receive()  # "lifespan.shutdown"
        await send({"type": "lifespan.shutdown.complete"})


async def until_drained(*servers: OCPPServer) -> None:
    """Wait for SIGINT (Ctrl-C) or SIGTERM, then close these servers, and return when they are closed.

    It is a `shutdown_trigger` for hypercorn, which would end the connections without telling the application:

        await hypercorn.asyncio.serve(app, config, shutdown_trigger=partial(until_drained, server))

    Stations get 1001 and newcomers 503 meanwhile, and calls in progress finish, as with `OCPPServer.close`. A second
    signal drops the connections that are still open. Only the main thread of a program receives signals.
    """
    with Interrupts() as interrupts:
        await interrupts.next()
        await _close_all(servers, interrupts.next)


def uvicorn_server(config: "uvicorn.Config", *servers: OCPPServer) -> "uvicorn.Server":
    """Return a uvicorn server that closes these servers before it ends their connections, for whatever reason.

    `OCPPServer.draining` does so at a signal, also with the command `uvicorn`. Use this for a server that ends without
    one, by `should_exit` or `limit_max_requests`, or that does not run in the main thread:

        await uvicorn_server(uvicorn.Config(app, port=9000), server).serve()

    If its `force_exit` is set, it drops the connections that are still open.
    """
    import uvicorn

    class DrainingServer(uvicorn.Server):
        async def shutdown(self, sockets: "list[socket] | None" = None) -> None:
            await _close_all(servers, self._until_forced)
            await super().shutdown(sockets)

        async def _until_forced(self) -> None:
            while not self.force_exit:  # noqa: ASYNC110 - uvicorn has no event for it
                await anyio.sleep(_LOOK)

    return DrainingServer(config)


async def _close_all(servers: Sequence[OCPPServer], until_hurried: Callable[[], Awaitable[object]]) -> None:
    """Close servers at the same time; once the function has returned, drop what is still open."""

    async def hurry() -> None:
        await until_hurried()
        for server in servers:
            hurrying.start_soon(partial(server.close, force=True))

    async with anyio.create_task_group() as hurrying:
        hurrying.start_soon(hurry)
        async with anyio.create_task_group() as closing:
            for server in servers:
                closing.start_soon(server.close)
        hurrying.cancel_scope.cancel()


async def _unless_it_leaves(receive: Receive, decide: Callable[[], Awaitable[_T]]) -> _T | None:
    """Return the decision; None if the peer leaves first, which ends the decision."""
    answer: _T | None = None
    has_left = False

    async def watch() -> None:
        nonlocal has_left
        while not (await receive())["type"].endswith(".disconnect"):
            pass  # the body of a plain request is ignored
        has_left = True
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        answer = await decide()
        tasks.cancel_scope.cancel()
    return None if has_left else answer


def _offer(scope: Scope) -> UpgradeOffer:
    """Return the request; its path is relative to the mount point."""
    path = scope.get("raw_path") or quote(scope["path"], safe=_SAFE).encode()
    query = scope.get("query_string", b"").decode("latin-1")
    target = _below(scope.get("root_path", ""), path.partition(b"?")[0].decode("latin-1"))
    certificate = certificate_of(scope)
    return UpgradeOffer(
        f"{target}?{query}" if query else target,
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
        subprotocols=tuple(scope.get("subprotocols", ())),
        remote_address=(scope.get("client") or (None,))[0],
        client_certificate=certificate,
        tls=scope.get("scheme") == "wss",
        certificate_fingerprint=fingerprint_in(scope) if certificate else None,
    )


def _below(root: str, path: str) -> str:
    """Return the part of an encoded path below a mount point, whose path is decoded.

    The whole path if it does not begin with the mount point: hypercorn leaves its own `root_path` out of the path.
    """
    mount, decoded, rest = root.rstrip("/"), "", path
    while len(decoded) < len(mount) and rest.startswith("/"):
        segment, slash, after = rest[1:].partition("/")
        decoded, rest = f"{decoded}/{unquote(segment)}", slash + after
    return (rest or "/") if mount and decoded == mount else path


def _acceptance(answer: Accept) -> Message:
    return {"type": "websocket.accept", "subprotocol": answer.subprotocol, "headers": _encoded(answer.headers)}


async def _refuse(scope: Scope, send: Send, answer: Reject) -> None:
    """Answer with the status; an ASGI server without the extension for it sends 403 instead."""
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await _answer(send, "websocket.http.response", answer.status, answer.headers, answer.body.encode())
    else:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": cut_reason(answer.body)})


async def _answer(
    send: Send, kind: str, status: int, headers: Sequence[tuple[str, str]], body: bytes, *, is_head: bool = False
) -> None:
    """Send a response; to HEAD, with the length of the body but without the body (RFC 9110 §9.3.2)."""
    encoded = _encoded(with_length(status, headers, body))
    with suppress(OSError):  # the peer has left
        await send({"type": f"{kind}.start", "status": status, "headers": encoded})
        await send({"type": f"{kind}.body", "body": b"" if is_head else body})


def _encoded(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _size(message: str | bytes) -> int:
    """Return the number of bytes that a message has on the wire."""
    return utf8_length(message) if isinstance(message, str) else len(message)


class _AsgiChannel:
    """A channel over the two functions of an ASGI server; returning from the application drops it."""

    def __init__(self, receive: Receive, send: Send, max_size: float) -> None:
        self._receive = receive
        self._send = send
        self._max_size = max_size

    async def receive(self) -> str | bytes:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise ChannelClosed(message.get("code") or NO_STATUS, message.get("reason") or "")
        text: str | None = message.get("text")
        received: str | bytes = message["bytes"] if text is None else text
        if len(received) > self._max_size / _WIDEST and _size(received) > self._max_size:
            await self._refuse_size()
        return received

    async def _refuse_size(self) -> NoReturn:
        reason = f"a message of more than {self._max_size:.15g} bytes"
        await self.close(TOO_BIG, reason)
        raise ChannelClosed(TOO_BIG, reason)

    async def send(self, text: str, /) -> None:
        await self._emit({"type": "websocket.send", "text": text})

    async def close(self, code: int, reason: str) -> None:
        await self._emit({"type": "websocket.close", "code": code, "reason": reason})

    def abort(self) -> None:
        pass

    async def _emit(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as error:  # raised by a send after the peer has left (ASGI 2.4)
            raise ChannelClosed from error
