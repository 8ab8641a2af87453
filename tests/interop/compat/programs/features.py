# mypy: ignore-errors
"""Every documented feature, one after the other, in all versions."""

import asyncio
import contextlib
import json
import logging
from dataclasses import asdict

from ocpp import exceptions, messages, v16, v21, v201
from ocpp.charge_point import remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.exceptions import OCPPError
from ocpp.messages import Call, CallError, CallResult, MessageType, pack, unpack, validate_payload
from ocpp.routing import after, create_route_map, on

VERSIONS = {"1.6": v16, "2.0.1": v201, "2.1": v21}
KINDS = ["NotImplemented", "NotSupported", "Internal", "Protocol", "Security", "Generic"]
KINDS += ["PropertyConstraintViolation", "TypeConstraintViolation"]
NOW = "2026-01-01T00:00:00Z"
BOOT = {
    "1.6": {"chargePointVendor": "Acme", "chargePointModel": "Öne"},
    "2.0.1": {"reason": "PowerUp", "chargingStation": {"vendorName": "Acme", "model": "Öne"}},
}
BOOT["2.1"] = BOOT["2.0.1"]
STARTED = {
    "1.6": ("StartTransaction", {"connectorId": 1, "idTag": "tag", "meterStart": 5, "timestamp": NOW}),
    "2.0.1": (
        "TransactionEvent",
        {
            "eventType": "Started",
            "timestamp": NOW,
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": "t", "chargingState": "Charging"},
            "idToken": {"idToken": "tag", "type": "ISO14443"},
            "evse": {"id": 1, "connectorId": 1},
        },
    ),
}
STARTED["2.1"] = STARTED["2.0.1"]


def make_central_system(version):
    v = VERSIONS[version]
    action = v.enums.Action

    class CentralSystem(v.ChargePoint):
        def __init__(self, *args):
            self.seen = []
            super().__init__(*args)

        @on(action.boot_notification)
        async def on_boot(self, call_unique_id, **kwargs):
            await asyncio.sleep(0)
            self.seen.append(["boot", call_unique_id, kwargs])
            return v.call_result.BootNotification(NOW, 300, "Accepted")

        @after(action.boot_notification)
        async def after_boot(self, **kwargs):
            await asyncio.sleep(0)
            self.seen.append(["after boot", kwargs])

        @on("Heartbeat")
        def on_heartbeat(self):
            return v.call_result.Heartbeat(current_time=NOW)

        @after(action.heartbeat)
        def after_heartbeat(self, call_unique_id):
            self.seen.append(["after heartbeat", call_unique_id, self._connection.frames[-1]])

        @on("DataTransfer", skip_schema_validation=True)
        def on_data(self, **kwargs):
            return v.call_result.DataTransfer(status=kwargs["vendor_id"], data=None)

        @on("StatusNotification")
        def on_status(self, **kwargs):
            raise self.error

        @on(STARTED[version][0])
        def on_started(self, **kwargs):
            self.seen.append(["started", kwargs])
            if version == "1.6":
                info = v.datatypes.IdTagInfo(status=v.enums.AuthorizationStatus.accepted, parent_id_tag=None)
                return v.call_result.StartTransaction(transaction_id=7, id_tag_info=info)
            info = v.datatypes.IdTokenInfoType(status=v.enums.AuthorizationStatusEnumType.accepted)
            return v.call_result.TransactionEvent(total_cost=1.5, id_token_info=info)

    return CentralSystem


@contextlib.asynccontextmanager
async def serving(peer, version, *args):
    """Run a central system."""
    csms = make_central_system(version)("CP1", peer, *args)
    task = asyncio.create_task(csms.start())
    yield csms
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def outcome(awaitable):
    """Return a result, or what was raised."""
    try:
        result = await awaitable
    except OCPPError as error:
        return [type(error).__name__, error.code]
    except Exception as error:
        return type(error).__name__
    return None if result is None else [type(result).__name__, asdict(result)]


async def handlers(peer, version):
    async with serving(peer, version) as csms:
        await peer.request("BootNotification", BOOT[version], "a")
        await peer.request("Heartbeat", {}, 7)
        await peer.request("DataTransfer", {"vendorId": "Any", "data": {"a": 1}}, "c")
        await peer.request(*STARTED[version], "d")
        return sorted(csms.seen, key=str)  # an async hook may run later


async def refusals(peer, version):
    async with serving(peer, version):
        boot = BOOT[version]
        name = next(iter(boot))
        for number, payload in enumerate([{}, boot | {name: 5}, boot | {name: "x" * 2000}, {}, []]):
            await peer.request("BootNotification", payload, number)
        await peer.request("Heartbeat", {}, "id" * 50)


async def errors(peer, version):
    names = [
        "NotImplementedError",
        "NotSupportedError",
        "InternalError",
        "ProtocolError",
        "SecurityError",
        "PropertyConstraintViolationError",
        "TypeConstraintViolationError",
        "GenericError",
    ]
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    if version != "1.6":
        status = {"timestamp": NOW, "connectorStatus": "Available", "evseId": 1, "connectorId": 1}
    async with serving(peer, version) as csms:
        for name in names:
            csms.error = getattr(exceptions, name)()
            await peer.request("StatusNotification", status, name)
            csms.error = getattr(exceptions, name)("a text", {"why": [1]})
            await peer.request("StatusNotification", status, name + " described")
        csms.error = ValueError("secret")
        await peer.request("StatusNotification", status, "other")
    with contextlib.suppress(AttributeError):
        return [repr(csms.error), [str(getattr(exceptions, name)("x", {"a": 1})) for name in names]]


async def calls(peer, version):
    v = VERSIONS[version]
    types = ("Soft", "Hard") if version == "1.6" else ("Immediate", "OnIdle")
    seen = []
    async with serving(peer, version, 10, logging.getLogger("another")) as csms:
        reset = v.call.Reset(type=types[0])
        peer.answers = {"Reset": {"status": "Accepted"}, "ClearCache": ("SecurityError", "no", {"a": 1})}
        seen.append(await outcome(csms.call(reset)))
        seen.append(await outcome(csms.call(reset, True, "an id")))
        csms._unique_id_generator = lambda: 1337
        seen.append(await outcome(csms.call(v.call.ClearCache(), suppress=True)))
        seen.append(await outcome(csms.call(v.call.ClearCache(), suppress=False)))
        peer.answers = {"ClearCache": ("Teapot", "short and stout", {})}
        seen.append(await outcome(csms.call(v.call.ClearCache(), suppress=False)))
        seen.append(await outcome(csms.call(v.call.Reset(type="Sideways"))))
        peer.answers = {"Reset": {"status": "Sideways"}}
        seen.append(await outcome(csms.call(reset)))
        seen.append(await outcome(csms.call(reset, skip_schema_validation=True)))
        peer.answers = {}
        csms._response_timeout = 0.02
        seen.append(await outcome(csms.call(reset)))
        seen.append(csms._call_lock.locked())
    return seen


async def many_calls(peer, version):
    v = VERSIONS[version]
    async with serving(peer, version) as csms:
        csms._unique_id_generator = iter(range(9)).__next__
        first = asyncio.create_task(csms.call(v.call.ClearCache()))
        second = asyncio.create_task(csms.call(v.call.ClearCache()))
        await peer.sent(1)
        cancelled = asyncio.create_task(csms.call(v.call.ClearCache()))
        await asyncio.sleep(0.001)
        alone = len(peer.frames)
        cancelled.cancel()
        peer.feed([3, "0", {"status": "Accepted"}])
        await peer.sent(2)
        first.cancel()  # has its answer
        peer.feed([3, "1", {"status": "Rejected"}])
        return [alone, (await second).status]


async def nested(peer, version):
    v = VERSIONS[version]
    if version == "1.6":
        periods = [v.datatypes.ChargingSchedulePeriod(start_period=0, limit=21.4), {"start_period": 60, "limit": 7}]
        schedule = v.datatypes.ChargingSchedule("A", periods, duration=None)
        profile = v.datatypes.ChargingProfile(1, 0, "TxProfile", "Absolute", schedule)
        payload = v.call.SetChargingProfile(1, profile)
        peer.answers = {"SetChargingProfile": {"status": "Accepted"}}
    else:
        component = v.datatypes.ComponentType(name="C", evse=v.datatypes.EVSEType(id=1), instance=None)
        data = [
            v.datatypes.GetVariableDataType(component=component, variable=v.datatypes.VariableType(name="V")),
            {"component": {"name": "C", "evse": {"id": 1, "connector_id": None}}, "variable": {"name": "V"}},
            {"component": {"name": "C", "evse": {"id": 1, "connectorId": 2}}, "attributeType": "Actual"},
        ]
        data[2]["variable"] = {"name": "V"}
        payload = v.call.GetVariables(get_variable_data=data)
        result = {"attributeStatus": "Accepted", "component": {"name": "C"}, "variable": {"name": "V"}}
        peer.answers = {"GetVariables": {"getVariableResult": [result | {"attributeValue": "1"}]}}
    again = type(payload)(**asdict(payload))
    async with serving(peer, version) as csms:
        replies = [await outcome(csms.call(payload)), await outcome(csms.call(again))]
    as_frame = json.dumps(snake_to_camel_case(remove_nones(serialize_as_dict(payload))))
    return [replies, again == payload, asdict(again) == asdict(payload), as_frame]


async def frames_by_hand(peer, version):
    boot = BOOT[version]
    request = unpack(json.dumps([2, "1", "BootNotification", boot]))
    await validate_payload(request, version)
    result = request.create_call_result({"currentTime": NOW, "interval": 3, "status": "Accepted"})
    await validate_payload(result, version)
    error = request.create_call_error(exceptions.SecurityError("no", {"a": 1}))
    other = request.create_call_error(KeyError("secret"))
    seen = [pack(each) for each in (request, result, error, other)] + [repr(result), repr(error)]
    seen.append(error.to_exception() == exceptions.SecurityError("no", {"a": 1}))
    seen += [[each.message_type_id for each in (Call, CallResult, CallError)], MessageType.CallError]
    for text in ("", "nonsense", b"\x01", '"3"', "[]", "[9,1]", "[2]", '[2,"1"]', '[3,"1"]', '[4,"1"]'):
        try:
            seen.append(repr(unpack(text)))
        except OCPPError as problem:
            seen.append([type(problem).__name__, sorted(problem.details)])
    for message in (Call("1", "Fly", {}), CallResult("1", {}, "Fly"), {}, error):
        try:
            await validate_payload(message, version)
        except Exception as problem:
            seen.append(type(problem).__name__)
    try:
        messages._validate_payload(Call(5, "BootNotification", {"syntactically": "incorrect"}), version)
    except OCPPError as problem:
        seen.append(repr(problem.details["ocpp_message"]) in str(problem))
    return seen


async def log(peer, version):
    records = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append([record.name, record.levelname, record.getMessage()])
    logging.getLogger("ocpp").addHandler(handler)
    async with serving(peer, version):
        await peer.request("Heartbeat", {})
    logging.getLogger("ocpp").removeHandler(handler)
    return records


async def end_of_start(peer, version):
    csms = make_central_system(version)("CP1", peer)
    peer.feed([2, "1", "Heartbeat", {}])
    peer.close()
    return await outcome(csms.start())


async def route_map(peer, version):
    csms = make_central_system(version)("CP1", peer)
    entry = csms.route_map["BootNotification"]
    action = VERSIONS[version].enums.Action
    return [
        sorted(str(key) for key in create_route_map(csms)),
        entry == csms.route_map[action.boot_notification] == csms.route_map[action("BootNotification").value],
        sorted(entry),
        [entry["_on_action"] == csms.on_boot, entry["_after_action"] == csms.after_boot],
        [f"{action.boot_notification}", json.dumps(action.heartbeat), action.heartbeat == "Heartbeat"],
    ]
