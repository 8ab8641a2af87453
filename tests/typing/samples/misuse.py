"""What a type checker refuses: each line says with which error, and an ignore without an error is one itself."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import ocpp_transports
from ocpp_transports import (
    CallContext,
    HandlerContext,
    OCPPClient,
    OCPPServer,
    OCPPServerClient,
    PlainRequest,
    TLSOptions,
)
from ocpp_transports.events import ConnectionEvent, OpenEvent
from ocpp_transports.handshake import AcceptHandshake, RejectHandshake

print(ocpp_transports.OCPPCleint)  # type: ignore[attr-defined]  # misspelled
OCPPClient("CP001", "ws://127.0.0.1", ["ocpp1.6"])  # type: ignore[call-arg]  # by keyword
OCPPClient(7, "ws://127.0.0.1", protocols=["ocpp1.6"])  # type: ignore[arg-type]
OCPPClient("CP001", "ws://127.0.0.1", protocols=["ocpp1.6"], reconect=False)  # type: ignore[call-arg]
OCPPClient("CP001", "ws://127.0.0.1", protocols=["ocpp1.6"], call_timeout="10")  # type: ignore[arg-type]
OCPPClient("CP001", "ws://127.0.0.1", offline_queue=b"station.db")  # type: ignore[arg-type]
OCPPServer(password="one for all")  # type: ignore[call-arg]  # stations have passwords
OCPPServer(credentials="one for all")  # type: ignore[arg-type]
OCPPServer(security_profile="basic")  # type: ignore[arg-type]
TLSOptions(Path("cert.pem"), verify="no")  # type: ignore[arg-type]

client = OCPPClient("CP001", "ws://127.0.0.1", protocols=["ocpp1.6"])
server = OCPPServer()


@client.handle("Reset")
def reset(context: HandlerContext) -> dict[str, str]:
    print(context.message_id.nothing)  # type: ignore[attr-defined]
    context.reply("Accepted")  # type: ignore[arg-type]
    context.fail(404)  # type: ignore[arg-type]
    return {}


reset(1)  # type: ignore[arg-type]  # a decorated function keeps its type
client.handle("Reset", custom="yes")  # type: ignore[call-overload]
client.handle()  # type: ignore[call-overload]
client.handle("ocpp1.6", "Reset", "Soft", reset)  # type: ignore[call-overload]
client.on("open", 1)  # type: ignore[call-overload]
client.on("mesage", print)  # type: ignore[call-overload]
client.on("client", print)  # type: ignore[call-overload]  # a server's
client.once("mesage")  # type: ignore[call-overload]
client.off("mesage")  # type: ignore[arg-type]
client.events("opne")  # type: ignore[call-overload]
client.events("open", "closed")  # type: ignore[call-overload]
server.off("ping")  # type: ignore[arg-type]  # a station's
server.events("clinet")  # type: ignore[call-overload]
server.observe(print)
server.observe(lambda event: None)  # type: ignore[type-var]  # it takes the client too


@server.http("/health")  # type: ignore[type-var]  # without header fields
def health(request: PlainRequest) -> tuple[int, str]:
    return 200, request.body  # type: ignore[attr-defined]


@client.on("open")
def opened(event: OpenEvent) -> None:
    print(event.code)  # type: ignore[attr-defined]
    event.protocol = "ocpp1.6"  # type: ignore[misc]  # events are frozen


@server.handle("Heartbeat")  # type: ignore[type-var]  # a number is no payload
def seconds(context: HandlerContext) -> int:
    return len(context.params)


@client.handle("Reset")  # type: ignore[type-var]  # nor is a text
async def soft(context: HandlerContext) -> str:
    return context.action


@server.observe  # type: ignore[type-var]  # of a refused handshake there is no client
def observes(event: ConnectionEvent, station: OCPPServerClient) -> None:
    print(event.latency, station)  # type: ignore[union-attr]  # of messages only


@client.observe  # type: ignore[arg-type]  # it gets every event
def observes_its_own(event: OpenEvent, of: OCPPClient) -> None:
    print(event, of)


@server.on("clinet")  # type: ignore[call-overload, untyped-decorator]
def arrived(station: OCPPServerClient) -> None:
    station.on("mesage", print)  # type: ignore[call-overload]


@server.handle("BootNotification")
async def boot(context: HandlerContext[Any, OCPPServerClient]) -> dict[str, str]:
    await context.client.cal("Rest", 5)  # type: ignore[attr-defined]
    await context.client.call("Reset", 5)  # type: ignore[call-overload]
    return {}


@server.handle("Heartbeat")
async def of_either_end(context: HandlerContext) -> dict[str, str]:
    await context.client.cal("Rest", 5)  # type: ignore[attr-defined]
    await context.client.call("Reset", 5)  # type: ignore[call-overload]
    print(context.client.session)  # type: ignore[attr-defined]  # not a client's
    answer: dict[str, str] = await context.client.safe_call("Reset")  # type: ignore[assignment]  # it may be None
    return answer


@server.use
async def outermost(context: HandlerContext | CallContext, proceed: Callable[[], Awaitable[Any]]) -> Any:
    await context.client.cal("Rest", 5)  # type: ignore[attr-defined]
    return await proceed()


def of_an_odd_end(context: HandlerContext[str]) -> None:  # type: ignore[type-var]
    print(context)


@server.auth  # type: ignore[type-var]
def admit(accept: AcceptHandshake, reject: RejectHandshake) -> None:
    accept("ocpp1.6")  # type: ignore[call-arg]
    reject("401")  # type: ignore[arg-type]


@server.connection_middleware  # type: ignore[type-var]
async def of_calls(context: CallContext, proceed: Callable[[], Awaitable[Any]]) -> None:
    await proceed()


async def main() -> None:
    await client.call()  # type: ignore[call-overload]
    await client.call("Heartbeat", {}, timeuot=1)  # type: ignore[call-overload]
    await client.call("Heartbeat", [])  # type: ignore[call-overload]
    await server.call("CP001")  # type: ignore[call-overload]
    client.call("Heartbeat")  # type: ignore[unused-coroutine]
    answer: str = await client.call("Heartbeat")  # type: ignore[assignment]
    (await client.safe_call("Heartbeat"))["currentTime"]  # type: ignore[index]  # it may be None
    await client.send_raw("[]", timeout=1)  # type: ignore[call-overload]  # there is nothing to wait for
    await client.close("bye")  # type: ignore[arg-type]
    await client.wait_for_client("CP001")  # type: ignore[attr-defined]
    await server.listen("9000")  # type: ignore[arg-type]
    client.state = None  # type: ignore[misc, assignment]
    print(answer)
