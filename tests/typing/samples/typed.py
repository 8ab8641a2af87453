"""Typed messages: calls, SENDs and handlers, as the authors of stations and central systems write them."""

from typing import Any

from ocpp_core import v16, v21, v201
from ocpp_transports import NOREPLY, HandlerContext, OCPPClient, OCPPServer, OCPPServerClient

server = OCPPServer(protocols=["ocpp1.6", "ocpp2.0.1"])
client = OCPPClient("CP001", "ws://127.0.0.1", protocols=["ocpp1.6"])


@server.handle(v16.BootNotification)
async def boot(ctx: HandlerContext[v16.BootNotification, OCPPServerClient]) -> v16.BootNotificationResponse:
    vendor: str = ctx.params["chargePointVendor"]
    ctx.client.session["vendor"] = vendor
    await ctx.client.call(v16.TriggerMessage(requestedMessage="StatusNotification"))
    return {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}


@server.handle(v201.TransactionEvent)
def transaction(ctx: HandlerContext[v201.TransactionEvent]) -> v201.TransactionEventResponse:
    number: int = ctx.params["seqNo"]
    return {"totalCost": float(number)}


@server.handle(v16.Heartbeat)
def heartbeat(params: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
    print(params)
    return {"currentTime": "2026-01-01T00:00:00Z"}


@server.handle(v16.Authorize)
def authorize(
    ctx: HandlerContext[v16.Authorize, OCPPServerClient], params: v16.AuthorizeRequest
) -> v16.AuthorizeResponse:
    print(ctx.client.handshake.remote_address)
    return {"idTagInfo": {"status": "Accepted" if params["idTag"] else "Invalid"}}


@server.handle("StatusNotification")
def status(params: v16.StatusNotificationRequest, ctx: HandlerContext[Any, OCPPServerClient]) -> dict[str, Any]:
    ctx.client.session[str(params["connectorId"])] = params["status"]
    return {}


@server.handle(v21.NotifyPeriodicEventStream)
def stream(ctx: HandlerContext[v21.NotifyPeriodicEventStream]) -> None:
    print(ctx.params["id"])


@client.handle(v16.Reset)
def reset(ctx: HandlerContext[v16.Reset, OCPPClient]) -> Any:
    ctx.reply({"status": "Accepted"})
    ctx.client.reconfigure(call_timeout=5)
    return NOREPLY


@client.handle(v16.ClearCache)
def clear(ctx: HandlerContext) -> v16.ClearCacheResponse:
    keys: list[str] = list(ctx.params)
    return {"status": "Accepted" if keys else "Rejected"}


@client.handle(v16.UnlockConnector)
async def unlock(ctx: HandlerContext[v16.UnlockConnector]) -> v16.UnlockConnectorResponse:
    answer: v16.HeartbeatResponse = await ctx.client.call(v16.Heartbeat())
    return {"status": "Unlocked" if answer["currentTime"] else "UnlockFailed"}


@client.handle(v16.TriggerMessage)
def trigger(request: v16.models.TriggerMessageRequest) -> v16.models.TriggerMessageResponse:
    return v16.models.TriggerMessageResponse(status="Accepted" if request.connector_id else "NotImplemented")


@client.handle(v16.GetLog)
async def get_log(
    request: v16.models.GetLogRequest, ctx: HandlerContext[v16.GetLog, OCPPClient]
) -> v16.models.GetLogResponse:
    print(ctx.client.endpoint, request.log.remote_location)
    return v16.models.GetLogResponse(status="Accepted")


@client.handle(v16.ChangeAvailability)
def change(params: v16.ChangeAvailabilityRequest, ctx: HandlerContext) -> v16.ChangeAvailabilityResponse:
    return {"status": "Accepted" if ctx.protocol and params["connectorId"] else "Rejected"}


@client.handle(v16.ReserveNow)
def reserve(ctx: HandlerContext, request: v16.models.ReserveNowRequest) -> v16.models.ReserveNowResponse:
    return v16.models.ReserveNowResponse(status="Accepted" if ctx.protocol and request.id_tag else "Rejected")


class Station:
    def __init__(self) -> None:
        client.handle(v16.UpdateFirmware, self.update)
        client.handle(v16.GetDiagnostics)(self.diagnose)

    async def update(self, params: v16.UpdateFirmwareRequest) -> v16.UpdateFirmwareResponse:
        print(params["location"])
        return {}

    def diagnose(self, ctx: HandlerContext[v16.GetDiagnostics]) -> v16.GetDiagnosticsResponse:
        return {"fileName": ctx.params["location"]}


def checks(answer: v16.BootNotificationResponse) -> None:
    print(answer["interval"])


async def main() -> None:
    answer = await client.call(v16.BootNotification(chargePointVendor="Acme", chargePointModel="One"))
    seconds: int = answer["interval"]
    ready: v16.BootNotificationRequest = {"chargePointVendor": "Acme", "chargePointModel": "One"}
    answer = await client.call(v16.BootNotification.of(ready), timeout=5, check=checks)
    maybe: v16.HeartbeatResponse | None = await client.safe_call(v16.Heartbeat())
    now: v16.HeartbeatResponse = await client.call_immediate(v16.Heartbeat())
    of_station: v16.ResetResponse = await server.call("CP001", v16.Reset(type="Soft"), timeout=3)
    safe: v16.ResetResponse | None = await server.safe_call("CP001", v16.Reset(type="Hard"))
    await client.notify(v21.NotifyPeriodicEventStream(id=1, pending=0, basetime="2026-01-01T00:00:00Z", data=[]))
    model: v16.models.HeartbeatResponse = await client.call(v16.models.HeartbeatRequest(), timeout=5)
    await server.call("CP001", "Reset", v16.models.ResetRequest(type="Soft"))
    print(model.current_time)
    server.remove_handler(v16.BootNotification)
    print(seconds, maybe, now, of_station, safe, client.has_handler(v16.Reset))
