# mypy: ignore-errors
# ruff: noqa: N814, UP041 - written as programs of this kind are
"""How programs test themselves: connections and steps are mocks."""

import asyncio
import json
from dataclasses import asdict
from decimal import Decimal
from unittest.mock import ANY, AsyncMock, MagicMock, patch

from ocpp.charge_point import ChargePoint
from ocpp.exceptions import FormatViolationError, OCPPError, SecurityError, TypeConstraintViolationError
from ocpp.messages import (
    Call,
    CallError,
    CallResult,
    MessageType,
    _DecimalEncoder,
    _validate_payload,
    _validators,
    get_validator,
    unpack,
    validate_payload,
)
from ocpp.routing import after, create_route_map, on, routables
from ocpp.v16 import ChargePoint as V16
from ocpp.v16 import call, call_result
from ocpp.v16.enums import Action
from ocpp.v201 import ChargePoint as V201

NOW = "2026-01-01T00:00:00Z"
BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}
ACCEPTED = {"currentTime": NOW, "interval": 350, "status": "Accepted"}


def compact(*frame):
    return json.dumps(frame, separators=(",", ":"))


def make_connection():
    connection = MagicMock()
    connection.send, connection.recv = AsyncMock(), AsyncMock()
    return connection


async def functions_on_an_instance(_):
    seen = []
    csms = V16(id=1234, connection=make_connection())

    @on(Action.boot_notification)
    def on_boot(charge_point_vendor, **kwargs):
        seen.append(["on", charge_point_vendor, kwargs])
        return call_result.BootNotification(current_time=NOW, interval=350, status="Accepted")

    @after(Action.boot_notification)
    def after_boot(**kwargs):
        seen.append(["after", kwargs, csms._connection.send.call_count])

    setattr(csms, on_boot.__name__, on_boot)
    setattr(csms, after_boot.__name__, after_boot)
    csms.route_map = create_route_map(csms)
    await csms.route_message(compact(2, "1", "BootNotification", BOOT))
    csms._connection.send.assert_called_once_with(compact(3, "1", ACCEPTED))
    csms.route_map = {}
    csms._connection.send.reset_mock()
    for action in ("Heartbeat", "InvalidAction"):
        await csms.route_message(Call(unique_id=1, action=action, payload={}).to_json())
        seen.append([*csms._connection.send.call_args[0], action])
    seen.append([name in routables for name in ("on_boot", "after_boot", "other")])
    return seen


async def mocked_steps(_):
    seen = []
    cp = V16("CP1", make_connection(), 0.01)
    cp._unique_id_generator = lambda: 1337
    cp._send = AsyncMock()
    cp._get_specific_response = AsyncMock(return_value=CallResult("1337", dict(ACCEPTED), "BootNotification"))
    boot = call.BootNotification(charge_point_vendor="Acme", charge_point_model="One")
    seen.append(asdict(await cp.call(boot)))
    await cp.call(boot, unique_id="12345")
    seen.append([list(each.args) for each in cp._get_specific_response.call_args_list])
    seen.append([list(each.args) for each in cp._send.call_args_list])
    cp._get_specific_response.return_value = CallError("1337", "SecurityError", "no")
    try:
        await cp.call(boot, suppress=False)
    except SecurityError as error:
        seen.append([error == SecurityError("no", {}), str(error) == str(SecurityError("no", {}))])
    seen.append(await cp.call(boot, suppress=True))
    with patch("ocpp.charge_point.validate_payload", AsyncMock()) as validate:
        cp._get_specific_response.return_value = CallResult("1337", dict(ACCEPTED), "BootNotification")
        await cp.call(boot)
        validate.assert_awaited_with(ANY, "1.6")
        seen.append(validate.await_count)
        await cp.call(boot, skip_schema_validation=True)
        seen.append(validate.await_count)
    return seen


async def mocked_connection(_):
    seen = []
    cp = V16("CP1", make_connection(), 0.01)
    for payload in (call.Reset(type="Soft"), call.Reset(type="Medium")):
        try:
            await cp.call(payload)
        except (asyncio.TimeoutError, FormatViolationError) as error:
            seen.append([type(error).__name__, cp._connection.send.call_count, cp._call_lock.locked()])
    cp._connection.recv.side_effect = [compact(2, "1", "Heartbeat", {}), Exception("Connection closed")]
    try:
        await cp.start()
    except Exception as error:
        seen.append([str(error), cp._connection.send.call_args[0][0]])
    cp._connection.close.assert_not_called()
    return seen


async def validators(_):
    reset = get_validator(MessageType.Call, "Reset", ocpp_version="1.6")
    seen = [reset == _validators["Reset_1.6"] == get_validator(2, "Reset", "1.6"), reset.schema]
    for version, action, kind in (("1.6", "Authorize", 3), ("2.0.1", "Reset", 2), ("2.1", "Reset", 3)):
        seen.append(sorted(get_validator(kind, action, version).schema["properties"]))
    for arguments in ((2, "non-existing", "1.6"), (2, "Reset", "1.7")):
        try:
            get_validator(*arguments)
        except (OSError, ValueError) as error:
            seen.append(isinstance(error, OSError))
    seen.append(json.dumps([Decimal("2.000001"), Decimal("21.44")], cls=_DecimalEncoder))
    wrong = Call(123456, "BootNotification", BOOT | {"chargePointVendor": 1})
    try:
        _validate_payload(wrong, "1.6")
    except TypeConstraintViolationError as error:
        seen.append([f"'ocpp_message': {wrong!r}" in str(error), error.details["ocpp_message"] is wrong])
    try:
        unpack(b"\x01")
    except OCPPError as error:
        seen.append([error.description, repr(error.details["ocpp_message"])])
    period = {"startPeriod": 0, "limit": 21.4}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    composite = CallResult("1", {"status": "Accepted", "chargingSchedule": schedule}, "GetCompositeSchedule")
    await validate_payload(composite, ocpp_version="1.6")
    seen.append(repr(composite.payload))
    hertz = {"timestamp": NOW, "sampledValue": [{"value": "50.0", "measurand": "Frequency", "unit": "Hertz"}]}
    await validate_payload(Call("1", "MeterValues", {"connectorId": 1, "meterValue": [hertz]}), "1.6")
    return seen


async def construction(_):
    class Guarded(V201):
        @property
        def foo(self):
            raise RuntimeError

        @on("Heartbeat")
        def heartbeat(self, **kwargs):
            pass

    class Other(V201):
        @on("Heartbeat")
        def heartbeat(self, **kwargs):
            pass

    first, other = Guarded("A", None), Other("B", None)
    names = ("id", "_connection", "_response_timeout", "_ocpp_version")
    return [
        create_route_map(first)["Heartbeat"] != create_route_map(other)["Heartbeat"],
        [getattr(first, name) for name in names],
        [V201._call.__name__.rpartition(".")[2], V201._call_result.__name__.rpartition(".")[2]],
        [issubclass(each, ChargePoint) for each in (V16, V201)],
        [str(OCPPError("a", {"b": 1})), repr(SecurityError("a", {"b": 1})), SecurityError().details],
        [SecurityError("a") == SecurityError("a"), SecurityError("a") == SecurityError("b"), SecurityError("a") == 1],
        repr(CallError(1, "GenericError", "text", {})),
    ]
