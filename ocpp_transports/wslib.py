"""Clients and servers on the `websockets` library, for programs that use it already.

Needs the extra `websockets`.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from http.client import responses
from math import inf
from typing import Any, Final, Unpack
from weakref import WeakKeyDictionary

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Event
from websockets.typing import Subprotocol

from ocpp_core.admission.pins import fingerprint_of
from ocpp_core.config import LinkConfig
from ocpp_core.errors import ConnectionFailedError, UnexpectedHttpResponse, WebsocketUpgradeError
from ocpp_core.inputs import Reject
from ocpp_core.refusals import BODY_LIMIT, read_refusal, secrets_in
from ocpp_core.websocket.headers import elements, joined, tokens, with_length

from ._hosts._websockets_channel import PatientConnection, WebsocketsChannel, logger_below
from ._options._connection import BUNDLED_PROTOCOLS
from ._options._keywords import ClientChanges, ClientKeywords
from ._options._server import ServerOptions
from ._server._plain._http_handlers import plain_request
from ._server._routing._plan import RoutingPlan
from ._tls._contexts import context_of, server_context
from .channel import ChannelClient, Incoming, UpgradeOffer
from .server import OCPPServer

__all__ = ["WebsocketsOCPPClient", "serve"]

_SETTINGS_OF_OTHERS: Final = {
    "defer_pings_on_activity": "websockets sends the pings",
    "max_tls_handshakes": "websockets accepts the connections",
    "certificate_check_interval": "websockets keeps the TLS context that it gets",
    "certificate_warning_days": "websockets keeps the TLS context that it gets",
    "max_sockets": "websockets accepts the connections",
    "max_sockets_per_address": "websockets accepts the connections",
    "require_connection_header": "websockets reads the request",
    "message_timeout": "websockets assembles messages",
    "min_message_rate": "websockets assembles messages",
    "max_unfinished_size": "websockets assembles messages (max_message_size limits each)",
}
"""Server options that `websockets` has no equivalent of, and the reason."""


class WebsocketsOCPPClient(ChannelClient):
    """`OCPPClient` on a connection of `websockets`; asyncio only.

    It has the same options, methods and events. `websockets` sends the pings and does not report them, so there are no
    `ping`, `pong` and `pong_timeout` events. `defer_pings_on_activity` has no effect; of `compression` only on or off
    counts.

    Args:
        identity: The identity of the station, the last segment of the URL.
        endpoint: The URL of the central system, `ws://` or `wss://`, without the identity.
        protocols: The subprotocols, in order of preference.

    Raises:
        ValueError: An option has a value that is not allowed.
        TypeError: An option has the wrong type.
        OSError: A certificate cannot be read.
    """

    def __init__(
        self,
        identity: str,
        endpoint: str,
        *,
        protocols: Sequence[str] = BUNDLED_PROTOCOLS,
        **options: Unpack[ClientKeywords],
    ) -> None:
        super().__init__(identity, endpoint, protocols=protocols, **options)
        self._tls = context_of(self._options)

    def reconfigure(self, **options: Unpack[ClientChanges]) -> None:
        """Change options; see ChannelClient."""
        tls = context_of(self._options.changed(options), self._options, self._tls)
        super().reconfigure(**options)
        self._tls = tls

    async def open_channel(self, subprotocols: Sequence[str]) -> tuple[WebsocketsChannel, str | None]:
        """Open a connection; see ChannelClient."""
        try:
            connection = await self._connect(subprotocols)
        except InvalidStatus as error:
            answer = error.response
            headers = tuple((name.lower(), value) for name, value in answer.headers.raw_items())
            asked = self._options.upgrade
            secrets = secrets_in(asked.headers, asked.target)
            body = read_refusal(headers, bytes(answer.body or b"")[:BODY_LIMIT], secrets)
            raise UnexpectedHttpResponse(answer.status_code, headers, body) from error
        except InvalidMessage as error:  # not HTTP, or the end of the stream
            raise ConnectionFailedError(str(error)) from error
        except InvalidHandshake as error:
            raise WebsocketUpgradeError(str(error)) from error
        return WebsocketsChannel(connection), connection.subprotocol

    async def _connect(self, subprotocols: Sequence[str]) -> ClientConnection:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConnectionFailedError("expected asyncio, got another event loop: websockets needs asyncio") from None
        options, link = self._options, self._options.link
        return await _Connect(
            options.address.url,
            subprotocols=[Subprotocol(name) for name in subprotocols],
            additional_headers=options.upgrade.headers,
            user_agent_header=None,
            ssl=self._tls,
            **_settings_of(link),
            open_timeout=None,  # `connect_timeout` bounds it
            proxy=None,
            logger=logger_below(self._log.logger),
            create_connection=_Connection,
        )


class _Connection(PatientConnection, ClientConnection):
    """A connection that ends once the server has closed it, even if the server does not end the TCP connection."""

    def process_event(self, event: Event) -> None:
        """Process an event; the close frame has been answered by now."""
        super().process_event(event)
        if isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
            self.transport.close()


class _Connect(connect):
    """A connection that follows no redirect, which could send the credentials to another host."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Return the error: a redirect is handled like any other status than 101."""
        return exc


def _settings_of(link: LinkConfig) -> dict[str, Any]:
    """Return the settings of both roles under their names in `websockets`."""
    return {
        "compression": None if link.compression is None else "deflate",
        "max_size": None if link.max_message_size == inf else int(link.max_message_size),
        "ping_interval": _or_none(link.ping_interval),
        "ping_timeout": _or_none(link.pong_timeout),
        "close_timeout": link.close_timeout,
    }


def _settings_of_server(options: ServerOptions, plan: RoutingPlan) -> dict[str, Any]:
    tls = None if options.tls is None else server_context(options.tls, *plan.profiles(tls=True))
    limit = (
        2 * options.link.handshake_timeout
    )  # for TLS, and from there to the decision; that times out by itself (408)
    return {**_settings_of(options.link), "open_timeout": _or_none(limit), "ssl": tls}


def _or_none(limit: float) -> float | None:
    """Return None for "no limit", as `websockets` expects it."""
    return None if limit == inf else limit


@asynccontextmanager
async def serve(
    server: OCPPServer, host: str | None = None, port: int | None = None, **options: Any
) -> AsyncIterator[Server]:
    """Listen for a server with `websockets`; stop listening at the end of the block.

        async with serve(server, "127.0.0.1", 9000) as listening:
            ...

    Args:
        server: The server that receives the stations.
        host: The address to listen on; None means all addresses.
        port: The port; None lets the system choose one.
        options: Those of `websockets.serve`, except its handler and the hooks that decide on a handshake. TLS, pings,
            the handshake timeout, the message size limit and compression come from the server's options, unless these
            override them.

    Raises:
        ValueError: The server or one of its routes has options that `websockets` cannot obey.
    """
    for each in server._all_options():
        each.expect_defaults("on websockets", _SETTINGS_OF_OTHERS)
    hooks = _Hooks(server)
    theirs = {
        "logger": logger_below(server._log.logger),
        **_settings_of_server(server._options, server._plans[None]),
        "create_connection": _ServedConnection,
        **options,
    }
    settings = {**theirs, "process_request": hooks.decide, "select_subprotocol": hooks.select}
    async with (
        serve_websockets(hooks.handle, host, port, **settings) as listening,
        server,
    ):
        yield listening


class _ServedConnection(PatientConnection, ServerConnection):
    """A connection of a station."""


class _Hooks:
    """The three hooks of `websockets` that a connection passes."""

    def __init__(self, server: OCPPServer) -> None:
        self._server = server
        self._incoming: WeakKeyDictionary[ServerConnection, Incoming] = WeakKeyDictionary()

    async def decide(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let the server decide on a request; None continues with the upgrade."""
        method = getattr(request, "method", "GET")  # older releases accept GET only
        is_upgrade = method == "GET" and "websocket" in tokens(_field(request, "Upgrade"))  # RFC 6455 §4.1
        decision = self._upgrade(connection, request) if is_upgrade else self._respond(connection, request, method)
        return await _unless_it_leaves(connection, decision)

    async def _respond(self, connection: ServerConnection, request: Request, method: str) -> Response:
        address = (connection.remote_address or (None,))[0]
        plain = plain_request(method, request.path, joined(request.headers.raw_items()), address)
        answer = await self._server.http_response(plain)
        return _response(connection, answer.status, answer.headers, answer.body, is_head=method == "HEAD")

    async def _upgrade(self, connection: ServerConnection, request: Request) -> Response | None:
        incoming = self._server.incoming(_offer(connection, request))
        answer = await incoming.decision()
        if isinstance(answer, Reject):
            return _response(connection, answer.status, answer.headers, answer.body.encode())
        self._incoming[connection] = incoming
        connection.connection_lost_waiter.add_done_callback(lambda _: self._forget(connection))
        return None

    def _forget(self, connection: ServerConnection) -> None:
        """Give the place of a station away that was never carried: only now does the library look at its request."""
        incoming = self._incoming.pop(connection, None)
        if incoming is not None:
            incoming.lost()

    def select(self, connection: ServerConnection, _: Sequence[Subprotocol]) -> Subprotocol | None:
        """Return the subprotocol that was decided on."""
        chosen = self._incoming[connection].subprotocol
        return None if chosen is None else Subprotocol(chosen)

    async def handle(self, connection: ServerConnection) -> None:
        """Carry the session.

        The carrying task refers to its connection, so it must not keep the connection in the mapping.
        """
        await self._incoming.pop(connection).carry(WebsocketsChannel(connection))


async def _unless_it_leaves(
    connection: ServerConnection, decide: Coroutine[Any, Any, Response | None]
) -> Response | None:
    """Return the decision; if the peer leaves first, cancel it.

    Otherwise it would continue and keep its place. The response for a peer that has left is not sent.
    """
    decision = asyncio.ensure_future(decide)
    ends: list[asyncio.Future[Any]] = [decision, connection.connection_lost_waiter]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if decision.done():
            return decision.result()
    finally:
        decision.cancel()
    return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")


def _offer(connection: ServerConnection, request: Request) -> UpgradeOffer:
    tls = connection.transport.get_extra_info("ssl_object")
    certificate = tls.getpeercert() if tls is not None else None
    return UpgradeOffer(
        request.path,
        headers=list(request.headers.raw_items()),
        subprotocols=elements(_field(request, "Sec-WebSocket-Protocol")),
        remote_address=(connection.remote_address or (None,))[0],
        client_certificate=certificate or None,
        tls=tls is not None,
        certificate_fingerprint=fingerprint_of(tls.getpeercert(True)) if certificate else None,
    )


def _field(request: Request, name: str) -> str:
    """Return the value of a header field, joined if it was sent several times; empty without one."""
    return ", ".join(request.headers.get_all(name))


def _response(
    connection: ServerConnection,
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    *,
    is_head: bool = False,
) -> Response:
    response = connection.respond(HTTPStatus.FORBIDDEN, "")
    response.status_code = status  # also a status that Python has no name for
    response.reason_phrase = responses.get(status, "")
    response.body = b"" if is_head else body
    for name in ("Content-Length", "Content-Type"):  # of the body that `respond` has made
        del response.headers[name]
    for name, value in with_length(status, headers, body):
        response.headers[name] = value
    return response
