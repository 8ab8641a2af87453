"""Calls a handler as the server would call it for a request of a station."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypedDict, Unpack, overload

from ocpp_core.errors import OCPPError
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._handlers._caller import Params, ResultModelT, ResultT
from ocpp_transports.laboratory._world._station import Answer, answer_of
from ocpp_transports.server import OCPPServer

from ._unasked import UnaskedStation

__all__ = ["HandlerCallKeywords", "call_handler"]


class HandlerCallKeywords(TypedDict, total=False):
    """The keyword arguments of `call_handler`."""

    identity: str
    """The identity of the station; default `"CP1"`."""
    protocol: str
    """The subprotocol; by default that of the message, otherwise the first one of the server."""
    path: str
    """The path before the identity, which selects a route; default `"/ocpp"`."""
    session: dict[str, Any]
    """The session of the connection, as `auth` would set it; default `{}`."""
    answers: Mapping[str, Answer]
    """The answers of the station to requests of the handler, by action; any other gets `NotImplemented`."""
    timeout: float
    """Seconds to wait for the response; default 60."""


@overload
async def call_handler(
    server: OCPPServer, message: Message[Any, ResultT], /, **options: Unpack[HandlerCallKeywords]
) -> ResultT: ...
@overload
async def call_handler(
    server: OCPPServer, request: RequestModel[Any, ResultModelT], /, **options: Unpack[HandlerCallKeywords]
) -> ResultModelT: ...
@overload
async def call_handler(
    server: OCPPServer, action: str, params: Params = ..., /, **options: Unpack[HandlerCallKeywords]
) -> dict[str, Any]: ...
async def call_handler(server: OCPPServer, /, *request: Any, **options: Unpack[HandlerCallKeywords]) -> Any:
    """Call a handler of a server for one request, and return its result.

        reply = await call_handler(server, "Heartbeat", {}, identity="CP1")

    The request passes through validation, middleware and the handler as on a connection, and listeners see the station
    connect. Credentials, `auth`, limits and registration are left out. The server need not listen; one that is in use
    stays so. It works in virtual time and in real time.

    Args:
        server: The server of the application.
        *request: A message, a request model, or an action and its payload, as for `OCPPClient.call`.
        **options: See `HandlerCallKeywords`.

    Returns:
        The payload of the response, or its model for a request model.

    Raises:
        Exception: What the handler or a middleware raised, as it is.
        RPCError: The request was refused before a handler ran, or no handler is registered for the action.
        TimeoutError: There was no response in time.
        UnexpectedHttpResponse: No route matches the path, the server does not know the protocol, or a station with this
            identity is connected.
        ValueError: An argument is not allowed, or the message is a SEND, which has no response.
        RuntimeError: The server is in use on another event loop; on trio, it is not in use.
    """
    async with _station(server, request, options) as (station, failures):
        try:
            return await station.call(*request, timeout=options.get("timeout", 60.0))
        except OCPPError:
            if failures:
                raise failures[0] from None
            raise


@asynccontextmanager
async def _station(
    server: OCPPServer, request: tuple[Any, ...], options: HandlerCallKeywords
) -> AsyncIterator[tuple[UnaskedStation, list[BaseException]]]:
    """Connect a station to the server; yield it, and the list of what its handlers raise."""
    identity = options.get("identity", "CP1")
    protocol = options.get("protocol") or _protocol_of(request) or server._options.protocols[0]
    answers: Mapping[str, Answer] = options.get("answers", {})
    failures: list[BaseException] = []
    async with _in_use(server):
        station = UnaskedStation(server, identity, protocol, options.get("path", "/ocpp"), options.get("session", {}))
        station.handle(lambda action, context: answer_of(answers, action, context.params))
        async with station:
            await station.connect()
            (await station.at_server()).on("handler_error", lambda event: failures.append(event.error))
            yield station, failures


@asynccontextmanager
async def _in_use(server: OCPPServer) -> AsyncIterator[None]:
    """Leave the server as it was: one that was not in use is closed, and may be used on another event loop."""
    was_in_use, closed = server._runtime is not None, server._closed
    server._expect_open()
    try:
        yield
    finally:
        if not was_in_use:
            await server.close()
            server._closed = closed


def _protocol_of(request: tuple[Any, ...]) -> str | None:
    return getattr(request[0], "protocol", None) if request else None
