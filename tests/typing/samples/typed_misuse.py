"""What a type checker refuses of typed messages: each line says with which error."""

from typing import Any

from ocpp_core import v16, v21, v201
from ocpp_transports import HandlerContext, OCPPClient, OCPPServer, OCPPServerClient

client = OCPPClient("CP001", "ws://127.0.0.1", protocols=["ocpp1.6"])
server = OCPPServer()


@server.handle(v16.Heartbeat)  # type: ignore[arg-type]  # a number is no response
def of_another_kind(ctx: HandlerContext[v16.Heartbeat]) -> int:
    return len(ctx.params)


@server.handle(v16.Heartbeat)  # type: ignore[arg-type]  # the response of another message
async def with_another_response(ctx: HandlerContext[v16.Heartbeat]) -> v16.AuthorizeResponse:
    return {"idTagInfo": {"status": "Accepted"}}


@server.handle(v16.BootNotification)  # type: ignore[arg-type]  # a context of another message
def of_another_message(ctx: HandlerContext[v16.Authorize]) -> v16.BootNotificationResponse:
    ctx.reply({"status": "Accepted"})  # type: ignore[arg-type]
    return {"status": "Accepted", "currentTime": ctx.params["idTag"], "interval": 300}


@server.handle(v201.BootNotification)  # type: ignore[arg-type]  # a context of another version
def of_another_version(ctx: HandlerContext[v16.BootNotification]) -> v201.BootNotificationResponse:
    return {"status": "Accepted", "currentTime": ctx.params["vendor"], "interval": 300}  # type: ignore[typeddict-item]


@server.handle(v16.BootNotification)
def with_a_wrong_member(ctx: HandlerContext[v16.BootNotification]) -> v16.BootNotificationResponse:
    return {"status": "Acepted", "currentTime": "", "interval": 300}  # type: ignore[typeddict-item]


@server.handle(v16.Authorize)  # type: ignore[arg-type]  # the payload of another message
def with_another_payload(params: v16.BootNotificationRequest) -> v16.AuthorizeResponse:
    return {"idTagInfo": {"status": "Accepted" if params["chargePointModel"] else "Invalid"}}


@server.handle(v16.Authorize)  # type: ignore[arg-type]  # the model of another response
def with_another_model(params: v16.models.AuthorizeRequest) -> v16.models.HeartbeatResponse:
    return v16.models.HeartbeatResponse(current_time=params.id_tag)


@client.handle(v16.Reset)  # type: ignore[arg-type]  # a client's handler gets no handle on a station
def of_the_other_end(ctx: HandlerContext[v16.Reset, OCPPServerClient]) -> v16.ResetResponse:
    return {"status": "Accepted" if ctx.client.session else "Rejected"}


def number(ctx: HandlerContext) -> int:
    return len(ctx.params)


@client.handle(v16.Reset)
def reset(ctx: HandlerContext[v16.Reset, OCPPClient]) -> Any:
    print(ctx.params["kind"])  # type: ignore[typeddict-item]
    print(ctx.client.session)  # type: ignore[attr-defined]
    ctx.reply({"status": "Accept"})  # type: ignore[arg-type]


client.handle(v16.ClearCache, reset, of_the_other_end)  # type: ignore[call-overload]
client.handle(v16.ClearCache, number)  # type: ignore[arg-type]  # its result is checked
reset(1)  # type: ignore[arg-type]


def of_an_odd_end(ctx: HandlerContext[v16.Reset, str]) -> None:  # type: ignore[type-var]
    print(ctx)


def of_a_payload(ctx: HandlerContext[v16.ResetRequest]) -> None:  # type: ignore[type-var]
    print(ctx)


async def main() -> None:
    await client.call(v16.Reset)  # type: ignore[call-overload]  # the class
    await client.call(v16.Reset(type="Soft"), {})  # type: ignore[call-overload]
    await client.call(v16.Reset(type="Soft"), timeuot=1)  # type: ignore[call-overload]
    (await client.call(v16.Reset(type="Soft")))["state"]  # type: ignore[typeddict-item]
    (await client.safe_call(v16.Reset(type="Soft")))["status"]  # type: ignore[index]  # it may be None
    await client.call(v16.Heartbeat(), check=of_a_reset)  # type: ignore[arg-type]
    stream = v21.NotifyPeriodicEventStream(id=1, pending=0, basetime="2026-01-01T00:00:00Z", data=[])
    await client.call(stream)  # type: ignore[type-var]
    await client.notify(v16.Heartbeat())  # type: ignore[arg-type]
    await server.call(v16.Reset(type="Soft"))  # type: ignore[call-overload]  # without an identity
    answer: v16.AuthorizeResponse = await server.call("CP001", v16.Reset(type="Soft"))  # type: ignore[arg-type]
    model: v16.models.ResetResponse = await client.call(v16.models.HeartbeatRequest())  # type: ignore[arg-type]
    print(answer, model)


def of_a_reset(answer: v16.ResetResponse) -> None:
    print(answer["status"])
