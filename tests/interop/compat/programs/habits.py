# mypy: ignore-errors
# ruff: noqa: ASYNC110, B010, F403, F405, UP041 - written as programs of this kind are
"""What real programs do beyond the documentation: each of them in the form in which it is met most."""

import asyncio
import contextlib
import dataclasses
import json
import logging
import time
from collections import deque
from dataclasses import asdict

from ocpp import exceptions
from ocpp.charge_point import LOGGER, ChargePoint, OCPPError, camel_to_snake_case, remove_nones, snake_to_camel_case
from ocpp.exceptions import NotImplementedError as OcppNotImplementedError
from ocpp.messages import ASYNC_VALIDATION, Call, CallError, CallResult, MessageType, pack, unpack
from ocpp.routing import create_route_map, on
from ocpp.v16 import ChargePoint as V16ChargePoint
from ocpp.v16 import call, call_result
from ocpp.v16.datatypes import *
from ocpp.v16.enums import *
from ocpp.v201 import ChargePoint as V201ChargePoint
from ocpp.v201 import call as v201_call
from ocpp.v201 import call_result as v201_call_result
from ocpp.v201.enums import Action as V201Action

NOW = "2026-01-01T00:00:00Z"
BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}
ACCEPTED = {"currentTime": NOW, "interval": 300, "status": "Accepted"}
TASKS = set()


@contextlib.asynccontextmanager
async def running(charge_point):
    """Run `start`, and cancel it in the end."""
    task = asyncio.create_task(charge_point.start())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


async def until(condition):
    while not condition():
        await asyncio.sleep(0)


class Integration(ChargePoint):
    """Chooses its version late, raises what upstream hides, and goes on with the next connection."""

    def __init__(self, identity, connection, version="1.6", skips_validation=True):
        self.states = []
        super().__init__(identity, connection)
        self._call, self._call_result, self._ocpp_version = call, call_result, version
        if skips_validation:
            for action in self.route_map:
                self.route_map[action]["_skip_schema_validation"] = True

    async def _get_specific_response(self, unique_id, timeout):
        response = await super()._get_specific_response(unique_id, timeout)
        if isinstance(response, CallError):
            raise response.to_exception()
        return response

    async def _handle_call(self, msg):
        try:
            await super()._handle_call(msg)
        except OcppNotImplementedError as error:
            self.states.append("not implemented")
            await self._send(msg.create_call_error(error).to_json())

    async def reconnect(self, connection):
        self._connection = connection
        await self.run([self.start(), self.watch()])

    async def run(self, tasks):
        with contextlib.suppress(Exception):
            await asyncio.gather(*[asyncio.ensure_future(task) for task in tasks])

    async def watch(self):
        while not self._connection.is_closed:
            await asyncio.sleep(0.001)
        raise TimeoutError

    @on(Action.boot_notification)
    def on_boot_notification(self, charge_point_vendor, **kwargs):
        async def greet():
            result = await self.call(call.TriggerMessage(requested_message=MessageTrigger.heartbeat))
            self.states.append(result.status)
            try:
                await self.call(call.ClearCache())
            except OCPPError as error:
                self.states.append(error.code)

        task = asyncio.create_task(greet())
        TASKS.add(task)
        return call_result.BootNotification(NOW, 300, RegistrationStatus.accepted.value)

    @on(Action.status_notification)
    def on_status_notification(self, connector_id, error_code, status, **kwargs):
        self.states.append([connector_id, status, status == ChargePointStatus.suspended_ev])
        return call_result.StatusNotification()


async def integration(peer):
    cp = Integration("CP1", peer)
    peer.answers = {"TriggerMessage": {"status": "Accepted"}, "ClearCache": ("NotSupported", "", {})}
    task = asyncio.create_task(cp.run([cp.start(), cp.watch()]))
    await peer.request("BootNotification", BOOT)
    await until(lambda: len(cp.states) == 2)
    await peer.request("StatusNotification", {"connectorId": "one", "errorCode": "x", "status": "SuspendedEV"}, "2")
    await peer.request("Heartbeat", {}, "3")
    peer.close()
    await task
    other = peer.again()
    task = asyncio.create_task(cp.reconnect(other))
    await other.request("BootNotification", BOOT, "4")
    await until(lambda: len(cp.states) == 6)
    other.close()
    await task
    await asyncio.gather(*TASKS)
    return cp.states


class Gateway(V16ChargePoint):
    """Reads the connection itself until it is stopped."""

    def __init__(self, charge_point_id, websocket, callback):
        self._callback = callback
        self._stopped = False
        self.received = deque()
        super().__init__(charge_point_id, websocket)
        self._response_timeout = 10

    async def start(self):
        while not self._stopped:
            message = await self._connection.recv()
            self.received.append(message)
            await self.route_message(message)

    def stop(self):
        self._stopped = True

    @on(Action.meter_values)
    def on_meter_values(self, **kwargs):
        self._callback((self, kwargs))
        return call_result.MeterValues()

    @on(Action.heartbeat)
    async def on_heartbeat(self, **kwargs):
        return call_result.Heartbeat(current_time=NOW)


async def gateway(peer):
    seen = []
    cp = Gateway("CP1", peer, seen.append)
    task = asyncio.create_task(cp.start())
    sampled = [{"value": "1.5", "unit": "kWh", "measurand": "Energy.Active.Import.Register"}]
    await peer.request("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": sampled}]})
    calling = asyncio.create_task(cp.call(call.RemoteStartTransaction(id_tag="t")))
    await peer.sent(2)
    peer.feed([3, peer.frames[-1][1][1], {"status": "Accepted"}])
    reply = await calling
    cp.stop()
    await peer.request("Heartbeat", {}, "2")
    await task
    same = isinstance(reply, call_result.RemoteStartTransaction)
    return [len(cp.received), seen[0][1], same, reply.status == "Accepted"]


class Tested(V16ChargePoint):
    """Waits for messages in a test kit, with a map of its own and every frame in a history."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.history = []
        self.pipeline = asyncio.Queue()
        self.route_map = create_route_map(self)
        self._unique_id_generator = iter(f"own-{number}" for number in range(100)).__next__

    async def route_message(self, raw_msg):
        message = unpack(raw_msg)
        self.history.append([type(message).__name__, message.unique_id])
        await super().route_message(raw_msg)
        self.pipeline.put_nowait(message)

    async def _handle_call(self, msg):
        result = await super()._handle_call(msg)
        self.history.append(["handled", None if result is None else camel_to_snake_case(result.payload)])
        return result

    async def _send(self, message):
        self.history.append(["sent", json.loads(message)[0]])
        await super()._send(message)

    async def call(self, payload, suppress=False, unique_id=None, skip_schema_validation=True):
        return await super().call(payload, suppress, unique_id, skip_schema_validation)

    async def wait_for(self, action, timeout=10):
        deadline = time.monotonic() + timeout
        while True:
            message = await asyncio.wait_for(self.pipeline.get(), deadline - time.monotonic())
            if getattr(message, "action", None) == action:
                return message.payload

    @on(Action.authorize)
    def on_authorize(self, id_tag):
        return call_result.Authorize(id_tag_info={"status": AuthorizationStatus.accepted, "parentIdTag": "p"})

    @on(Action.data_transfer, skip_schema_validation=True)
    def on_data_transfer(self, **kwargs):
        raise exceptions.GenericError


async def test_kit(peer):
    cp = Tested("CP1", peer)
    peer.answers = {"Reset": {"status": "Accepted"}, "ClearCache": ("InternalError", "x", {})}
    async with running(cp):
        await peer.request("Authorize", {"idTag": "tag"})
        payload = await cp.wait_for("Authorize")
        await peer.request("DataTransfer", {"vendorId": "v"}, "2")
        reply = await cp.call(call.Reset(type="Whatever"))
        try:
            await cp.call(call.ClearCache())
        except exceptions.InternalError as error:
            cp.history.append([error.description, error.details])
    return [payload, asdict(reply), cp.history]


class Consumer:
    """Is no charge point: handlers of an object of another framework, answered frame by frame."""

    def __init__(self):
        self.route_map = create_route_map(self)

    @on("Heartbeat")
    async def on_heartbeat(self, **kwargs):
        return call_result.Heartbeat(current_time=NOW)

    @on(Action.boot_notification, skip_schema_validation=True)
    def on_boot(self, charge_point_vendor, **kwargs):
        return call_result.BootNotification(NOW, 300, "Accepted" if kwargs else "Rejected")

    async def receive(self, text):
        message = unpack(text)
        if message.message_type_id != MessageType.Call:
            return None
        try:
            handler = self.route_map[message.action]["_on_action"]
        except KeyError:
            error = exceptions.NotSupportedError(details={"cause": message.action})
            return pack(message.create_call_error(error))
        result = handler(**camel_to_snake_case(message.payload))
        result = await result if asyncio.iscoroutine(result) else result
        return message.create_call_result(snake_to_camel_case(remove_nones(asdict(result)))).to_json()


async def consumer(peer):
    consumer = Consumer()
    flags = {action: entry["_skip_schema_validation"] for action, entry in consumer.route_map.items()}
    texts = [[2, "1", "Heartbeat", {}], [2, "2", "BootNotification", BOOT], [2, "3", "Fly", {}], [3, "4", {}]]
    return [flags, [await consumer.receive(json.dumps(text)) for text in texts]]


class Worker(V201ChargePoint):
    """Has no connection: frames arrive in invocations, and responses from a store."""

    def __init__(self, identity, connection, responses):
        super().__init__(identity, connection, 10)
        self._response_queue = responses

    @on(V201Action.heartbeat)
    def on_heartbeat(self, **kwargs):
        return v201_call_result.Heartbeat(current_time=NOW)


class Responses(asyncio.Queue):
    """A queue of another making."""


async def worker(peer):
    responses = Responses()
    cp = Worker("CP1", peer, responses)
    await cp.route_message('[2,"1","Heartbeat",{}]')
    responses.put_nowait(CallResult("another", {}))
    calling = asyncio.create_task(cp.call(v201_call.ClearCache(), unique_id="mine"))
    await peer.sent(2)
    await cp.route_message('[3,"mine",{"status":"Accepted"}]')
    return asdict(await calling)


class Broker(V16ChargePoint):
    """Passes what it has no handler for to another system."""

    async def route_message(self, raw_msg):
        try:
            message = unpack(raw_msg)
        except OCPPError as error:
            self.passed.append(type(error).__name__)
            return
        if message.message_type_id == MessageType.Call and message.action not in self.route_map:
            self.passed.append(repr(message))
            error = exceptions.SecurityError("not from here", {"action": message.action})
            await self._send(message.create_call_error(error).to_json())
            return
        await super().route_message(raw_msg)

    @on(Action.heartbeat)
    def on_heartbeat(self):
        return call_result.Heartbeat(current_time=NOW)


async def broker(peer):
    cp = Broker("CP1", peer)
    cp.passed = []
    async with running(cp):
        peer.feed("nonsense")
        await peer.request("Heartbeat", {})
        await peer.request("Authorize", {"idTag": "t"}, "2")
        calling = asyncio.create_task(cp.call(call.GetConfiguration(key=["a"])))
        await peer.sent(3)
        peer.feed([3, "late", {}])
        peer.feed([3, peer.frames[-2][1][1], {"configurationKey": [{"key": "a", "readonly": True, "value": "1"}]}])
        reply = await calling
    return [cp.passed, [each["value"] for each in reply.configuration_key], reply.unknown_key]


class Mixin:
    """Handlers that stand outside of the charge point."""

    @on("Heartbeat")
    def on_heartbeat(self, **kwargs):
        return call_result.Heartbeat(current_time=NOW)

    @on("Authorize")
    def on_authorize(self, **kwargs):
        return call_result.Authorize(id_tag_info={"status": "Accepted"})


class Mixed(Mixin, V16ChargePoint):
    """Takes one of the handlers away."""

    def on_authorize(self, **kwargs):
        raise AssertionError


@dataclasses.dataclass
class Reset:
    """A payload of the program's own, with what no schema has."""

    type: str
    vendor_hint: int = 5


async def own_parts(peer):
    cp = Mixed("CP1", peer, 0.02, LOGGER)
    setattr(cp, "on_reset", on("Reset")(lambda **kwargs: call_result.Reset("Accepted")))
    cp.route_map = create_route_map(cp)
    seen = [isinstance(ASYNC_VALIDATION, bool), logging.getLogger("ocpp") is LOGGER]
    async with running(cp) as task:
        await peer.request("Heartbeat", {})
        await peer.request("Authorize", {"idTag": "t"}, "2")
        try:
            await cp.call(call.ClearCache())
        except asyncio.TimeoutError as error:
            seen.append(["builtin", isinstance(error, TimeoutError)])
        cp._response_timeout = 10
        peer.answers = {"Reset": {"status": "Accepted"}}
        seen.append(asdict(await cp.call(Reset("Soft"), skip_schema_validation=True)))
        peer.close(ConnectionResetError())
        try:
            await task
        except ConnectionResetError:
            seen.append("reset")
    await cp._send(Call("by-hand", "Reset", Reset("Soft")).to_json())
    return seen
