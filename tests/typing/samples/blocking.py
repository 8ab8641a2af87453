"""A program of threads as its author writes it."""

from typing import Any

from ocpp_core import v16
from ocpp_transports import OCPPServer
from ocpp_transports.blocking import (
    BlockingClient,
    BlockingEventStream,
    BlockingFleetCall,
    BlockingHandlerContext,
    BlockingListener,
    BlockingServer,
    BlockingServerClient,
    BlockingTicket,
)
from ocpp_transports.events import CloseEvent, MessageEvent, OpenEvent, StationEvent
from ocpp_transports.fleet import Answered, StationOutcome
from ocpp_transports.outbox import MessageOutcome

server = BlockingServer(protocols=["ocpp1.6"], loop="trio", max_threads=8, strict_mode=True)


@server.handle("BootNotification")
def boot(context: BlockingHandlerContext[Any, BlockingServerClient]) -> dict[str, Any]:
    station: BlockingServerClient = context.client
    return station.call("GetConfiguration", {}, max_wait=5)


@server.handle(v16.Authorize)
def authorize(
    context: BlockingHandlerContext[v16.Authorize, BlockingServerClient], params: v16.AuthorizeRequest
) -> v16.AuthorizeResponse:
    context.client.session["tag"] = context.params["idTag"] + params["idTag"]
    context.reply({"status": "Accepted"})  # type: ignore[arg-type]
    return {"idTagInfo": {"status": "Accepted"}}


@server.handle(v16.Heartbeat)  # type: ignore[arg-type]
def heartbeat(params: v16.HeartbeatRequest) -> int:
    return len(params)


@server.on("client")
def arrived(station: BlockingServerClient) -> None:
    station.session["seen"] = True


@server.on("message")
def log(event: StationEvent[MessageEvent, BlockingServerClient]) -> None:
    print(event.client.identity, event.event.message_id)


listener: BlockingListener = server.listen(9000)
found: BlockingServerClient = server.wait_for_client("CP1", timeout=1)
answer: dict[str, Any] | None = server.safe_call("CP1", "Reset", {"type": "Soft"}, max_wait=5)
typed: v16.ResetResponse = server.call("CP1", v16.Reset(type="Soft"), max_wait=5)
model: v16.models.ResetResponse | None = server.safe_call("CP1", v16.models.ResetRequest(type="Soft"))
inside: OCPPServer = server.wrapped

with BlockingClient("CP1", "ws://127.0.0.1:9000") as client:
    protocol: str = client.connect(max_wait=1)
    opened: BlockingEventStream[OpenEvent | CloseEvent] = client.events("open", "close", max_wait=1)
    now: v16.HeartbeatResponse = client.call(v16.Heartbeat(), timeout=5, max_wait=5)
    client.notify(v16.Heartbeat())  # type: ignore[arg-type]
    start: BlockingTicket = client.enqueue("StartTransaction", {}, key="start")
    start.accepted(max_wait=1)
    client.enqueue(v16.Heartbeat(), transaction=start, last=True)
    client.enqueue("Heartbeat", timeout=1)  # type: ignore[call-overload]
    outcome: MessageOutcome = next(client.outcomes(max_wait=1)).outcome()
    text: dict[str, Any] = client.send_raw('[2,"1","Heartbeat",{}]', expect_reply=True)

server.on("clinet", arrived)  # type: ignore[call-overload]
client.call("Heartbeat", {}, max_wiat=1)  # type: ignore[call-overload]
server.on("client", log)  # type: ignore[call-overload]

each: tuple[StationOutcome[v16.ResetResponse], ...] = server.broadcast(v16.Reset(type="Soft")).wait(max_wait=5)
with server.call_many({"CP1": v16.models.ResetRequest(type="Soft")}, concurrency=2) as calls:
    settled: BlockingFleetCall[v16.models.ResetResponse] = calls
    results: list[v16.models.ResetResponse] = [one.result for one in settled if isinstance(one, Answered)]
