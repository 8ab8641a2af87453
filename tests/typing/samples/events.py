"""Events with their payloads."""

from typing import Literal, TypeAlias, assert_type

from ocpp_transports import EventStream, MessageType, OCPPClient, OCPPServer, OCPPServerClient
from ocpp_transports.event_names import PeerEventName, ServerEventName
from ocpp_transports.events import (
    BadMessageEvent,
    CloseEvent,
    ConnectingEvent,
    ConnectionEvent,
    ConnectionFailedEvent,
    DisconnectEvent,
    ErrorEvent,
    HandlerErrorEvent,
    MessageEvent,
    OpenEvent,
    OverflowEvent,
    PeerEvent,
    PongTimeoutEvent,
    RateExceededEvent,
    ReconnectEvent,
    StationEvent,
    UpgradeAbortedEvent,
    ViolationEvent,
)

Failure: TypeAlias = Literal["error", "handler_error", "bad_message", "violation"]


def listen_to_the_connection(client: OCPPClient) -> None:
    @client.on("connecting")
    def connecting(event: ConnectingEvent) -> str:
        return event.url

    @client.on("open")
    async def opened(event: OpenEvent) -> None:
        await client.call(event.protocol, "Heartbeat")

    @client.once("disconnect")
    def disconnected(event: DisconnectEvent) -> tuple[int, str]:
        return event.code, event.reason

    @client.on("reconnect")
    def waits(event: ReconnectEvent) -> float:
        return event.attempt * event.delay

    # A decorator gives back what it was given.
    told: str = connecting(ConnectingEvent("ws://127.0.0.1"))
    product: float = waits(ReconnectEvent(1, 0.5))
    print(told, product, opened, disconnected)


def listen_to_messages(client: OCPPClient, server: OCPPServer) -> None:
    @client.on("message")
    def message(event: MessageEvent) -> None:
        action: str | None = event.action
        seconds: float | None = event.latency
        if event.type is MessageType.CALLERROR:
            print(event.direction.value, event.message_id, action, seconds, event.error_code, event.error_description)

    def failed(event: ErrorEvent | HandlerErrorEvent | BadMessageEvent | ViolationEvent) -> None:
        print(event.error.args)

    failures: tuple[Failure, ...] = ("error", "handler_error", "bad_message", "violation")
    for name in failures:
        client.on(name, failed)
    client.off("error", failed)

    @client.on("pong_timeout")
    def silent(event: PongTimeoutEvent) -> str:
        return event.identity

    @client.on("rate_exceeded")
    def too_fast(event: RateExceededEvent) -> None:
        action: str = event.action
        print(action, event.message_id, event.refused)

    @server.on("upgrade_aborted")
    def refused(event: UpgradeAbortedEvent) -> None:
        status: int = event.status
        identity: str | None = event.identity
        print(status, identity, event.reason)

    @server.on("connection_failed")
    def lost(event: ConnectionFailedEvent) -> None:
        address: str | None = event.remote_address
        print(address, event.reason, event.error.args)

    print(message, silent, too_fast, refused, lost)


def observe(client: OCPPClient, server: OCPPServer) -> None:
    @server.observe
    def of_stations(event: ConnectionEvent, station: OCPPServerClient | None) -> None:
        if isinstance(event, MessageEvent) and station is not None:
            seconds: float | None = event.latency
            print(station.handshake.remote_address, event.action, seconds)

    @client.observe
    def of_this_end(event: ConnectionEvent, of: OCPPClient) -> None:
        match event:
            case OpenEvent(protocol):
                print(of.endpoint, protocol)
            case CloseEvent(code, reason):
                print(code, reason)
            case _:
                pass

    def of_either(event: ConnectionEvent, end: OCPPClient | OCPPServerClient | None) -> None:
        print(event, end)

    client.observe(of_either)
    server.observe(of_either)
    server.remove_observer(of_stations)
    client.remove_observer(of_this_end)

    @server.on("message")
    def message(event: StationEvent[MessageEvent, OCPPServerClient]) -> None:
        station: OCPPServerClient = event.client
        action: str | None = event.event.action
        print(station.identity, action)

    print(message)


def listen_with_types(client: OCPPClient, server: OCPPServer) -> None:
    """The name decides which parameter a listener has; a listener keeps its own type."""
    client.on("open", lambda event: print(event.protocol))
    client.once("rate_exceeded", lambda event: print(event.refused))
    server.on("client", lambda station: print(station.handshake.remote_address))
    server.once("closing", lambda event: print(event.code))
    server.on("close", lambda event: print(event.client.identity, event.event.code))

    @client.on("open")
    @client.on("close")
    def of_two(event: OpenEvent | CloseEvent) -> None:
        print(event)

    @server.on("open")
    @server.once("close")
    async def of_stations(event: StationEvent[OpenEvent | CloseEvent, OCPPServerClient]) -> None:
        print(event.client.identity)

    of_two(event=OpenEvent("ocpp1.6"))

    client.on("open", lambda event: print(event.code))  # type: ignore[call-overload]
    server.on("client", lambda station: print(station.event))  # type: ignore[call-overload]
    client.on("message", of_two)  # type: ignore[call-overload]
    client.once("message", of_two)  # type: ignore[call-overload]
    server.on("message", of_two)  # type: ignore[call-overload]
    client.off("open", "close")  # type: ignore[arg-type]

    @client.on("connecting")  # type: ignore[type-var]
    def of_another(event: OpenEvent) -> None:
        print(event)

    @server.on("message")  # type: ignore[type-var]
    def of_its_own(event: MessageEvent) -> None:  # a server's has the station, too
        print(event)


def listen_to_any(client: OCPPClient, station: OCPPServerClient, name: PeerEventName) -> None:
    def anything(event: PeerEvent) -> None:
        print(event)

    def opened(event: OpenEvent) -> None:
        print(event)

    for peer in (client, station):
        peer.on(name, anything)
        peer.on(name)(anything)
    client.on(name, opened)  # type: ignore[arg-type]


async def iterate(client: OCPPClient) -> int:
    stream: EventStream[OpenEvent | CloseEvent] = client.events("open", "close", limit=10)
    async with stream:
        async for event in stream:
            if isinstance(event, OverflowEvent):
                return event.missed
            if isinstance(event, CloseEvent):
                return event.code
            assert_type(event, OpenEvent)
    return 0


async def iterate_over_each_kind(client: OCPPClient, server: OCPPServer, name: ServerEventName) -> None:
    assert_type(await anext(client.events("close", "open")), OpenEvent | CloseEvent | OverflowEvent)
    assert_type(await anext(client.events("open")), OpenEvent | OverflowEvent)
    assert_type(await anext(client.events("call", "call_error")), MessageEvent | OverflowEvent)
    assert_type(await anext(client.events("message", "close")), MessageEvent | CloseEvent | OverflowEvent)
    assert_type(await anext(client.events()), PeerEvent | OverflowEvent)
    assert_type(await anext(client.events("open", "error", "close")), PeerEvent | OverflowEvent)
    assert_type(await anext(server.events("client")), OCPPServerClient | OverflowEvent)
    async for event in server.events("call_result", "close"):
        if isinstance(event, StationEvent):
            assert_type(event.client, OCPPServerClient)
            assert_type(event.event, MessageEvent | CloseEvent)
    async for any_event in server.events(name):
        print(any_event.code)  # type: ignore[union-attr]
