# mypy: ignore-errors
# ruff: noqa: ASYNC110 - written as programs of this kind are
"""A central system and its stations over the WebSocket libraries that programs use."""

import asyncio
import contextlib
import json

from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.datatypes import MeterValue, SampledValue
from ocpp.v16.enums import Action, RegistrationStatus, ResetType
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

NOW = "2026-01-01T00:00:00Z"


class Station(ChargePoint):
    """Boots, meters and resets."""

    @on(Action.reset)
    async def on_reset(self, type, **kwargs):  # noqa: A002 - the member of the payload
        return call_result.Reset("Accepted" if type == ResetType.hard else "Rejected")

    async def work(self, seen):
        boot = await self.call(call.BootNotification("One", "Acme", meter_type=None))
        seen.append([boot.interval, boot.status == RegistrationStatus.accepted])
        values = [MeterValue(NOW, [SampledValue("1.5", unit="kWh")])] * 3
        seen.append(vars(await self.call(call.MeterValues(1, values, transaction_id=5))))


class CentralSystem(ChargePoint):
    """Accepts a station and resets it afterwards."""

    def __init__(self, identity, connection, seen):
        super().__init__(identity, connection)
        self.seen = seen

    @on(Action.boot_notification)
    def on_boot(self, charge_point_model, charge_point_vendor, **kwargs):
        self.seen.append([self.id, charge_point_model, charge_point_vendor, kwargs])
        return call_result.BootNotification(NOW, 10, RegistrationStatus.accepted)

    @on(Action.meter_values)
    def on_meter_values(self, meter_value, **kwargs):
        self.seen.append([len(meter_value), meter_value[0], kwargs])
        return call_result.MeterValues()

    @after(Action.meter_values)
    async def reset(self, **kwargs):
        results = await asyncio.gather(*[self.call(call.Reset(kind)) for kind in (ResetType.hard, ResetType.soft)])
        self.seen.append([result.status for result in results])


async def websockets_on_both_sides(_):
    seen = []

    async def on_connect(websocket):
        csms = CentralSystem(websocket.request.path.strip("/"), websocket, seen)
        try:
            await csms.start()
        except ConnectionClosedOK as error:
            seen.append(["closed", error.rcvd.code])

    async with serve(on_connect, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/CP1", subprotocols=["ocpp1.6"]) as websocket:
            station = Station("CP1", websocket)
            task = asyncio.create_task(station.start())
            await station.work(seen)
            while not any(each == ["Accepted", "Rejected"] for each in seen):
                await asyncio.sleep(0.001)
            await station._connection.close(1000)
            try:
                await task
            except ConnectionClosed as error:
                seen.append(["station closed", type(error).__name__])
        server.close()
        await server.wait_closed()
    return seen


class Adapter:
    """Gives a WebSocket of Starlette the methods that the package wants."""

    def __init__(self, websocket):
        self._websocket = websocket

    async def recv(self):
        return await self._websocket.receive_text()

    async def send(self, message):
        await self._websocket.send_text(message)


async def starlette_application(peer):
    seen = []

    async def endpoint(websocket):
        await websocket.accept(subprotocol="ocpp1.6")
        csms = CentralSystem(websocket.path_params["identity"], Adapter(websocket), seen)
        with contextlib.suppress(WebSocketDisconnect):
            await csms.start()
        seen.append("disconnected")

    application = Starlette(routes=[WebSocketRoute("/{identity}", endpoint)])
    incoming = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})

    async def sent(event):
        if event["type"] == "websocket.send":
            await peer.send(event["text"])

    scope = {"type": "websocket", "path": "/CP1", "root_path": "", "headers": [], "subprotocols": ["ocpp1.6"]}
    task = asyncio.create_task(application(scope, incoming.get, sent))
    peer.answers = {"Reset": {"status": "Accepted"}}
    requests = [[2, "1", "BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "One"}]]
    sampled = [{"timestamp": NOW, "sampledValue": [{"value": "1.5"}]}]
    requests.append([2, "2", "MeterValues", {"connectorId": 1, "meterValue": sampled}])
    for request in requests:
        peer.feed(request)
    while "disconnected" not in seen:
        with contextlib.suppress(asyncio.TimeoutError):
            text = await asyncio.wait_for(peer.recv(), 0.01)
            incoming.put_nowait({"type": "websocket.receive", "text": text})
        if ["Accepted", "Accepted"] in seen:
            incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await task
    return [seen, json.dumps([frame[2] for _, frame in peer.frames if frame[0] == 2])]
