"""Messages and models by themselves: what type checkers know of them, and what they refuse."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ocpp_core import v16, v21, v201
from ocpp_core.typed.model import RequestModel, member

boot = v16.BootNotification(chargePointVendor="Acme", chargePointModel="One")
vendor: str = boot.params["chargePointVendor"]
ready: v16.BootNotificationRequest = {"chargePointVendor": vendor, "chargePointModel": "One"}
again = v16.BootNotification.of(ready)
nested = v201.BootNotification(reason="PowerUp", chargingStation={"model": "One", "vendorName": "Acme"})
opened = v201.Heartbeat(customData={"vendorId": "Acme", "load": 0.5})
cleared = v21.CustomerInformation(requestId=1, report=False, clear=True)

v16.BootNotification(chargePointVendor="Acme")  # type: ignore[call-arg]
v16.BootNotification(chargePointVendor="Acme", chargePointModel="One", vendor="Acme")  # type: ignore[call-arg]
v16.BootNotification(chargePointVendor="Acme", chargePointModel=1)  # type: ignore[arg-type]
v16.BootNotification.of({"chargePointVendor": "Acme"})  # type: ignore[typeddict-item]
v16.Reset(type="Warm")  # type: ignore[arg-type]
v201.BootNotification(reason="PowerUp", chargingStation={"model": "One"})  # type: ignore[typeddict-item]
print(v16.BootNotificatoin)  # type: ignore[attr-defined]

request = v16.models.BootNotificationRequest(charge_point_vendor="Acme", charge_point_model="One")
payload: v16.BootNotificationRequest = request.to_wire()
read: v16.models.BootNotificationRequest = v16.models.BootNotificationRequest.from_wire(payload)
number: str | None = read.charge_point_serial_number
unknown: Mapping[str, Any] | None = read.extra
changed: v16.models.BootNotificationRequest = dataclasses.replace(read, iccid=None)
event = v201.models.EventDataType(
    event_id=1,
    timestamp="2026-01-01T00:00:00Z",
    trigger="Alerting",
    actual_value="1",
    event_notification_type="HardWiredNotification",
    component=v201.models.ComponentType(name="Connector", evse=v201.models.EVSEType(id=1)),
    variable=v201.models.VariableType(name="Available"),
)
connector: int | None = event.component.evse.connector_id if event.component.evse else None

v16.models.BootNotificationRequest(charge_point_vendor="Acme")  # type: ignore[call-arg]
v16.models.ResetRequest("Soft")  # type: ignore[arg-type, call-arg]  # by keyword
v16.models.ResetRequest(type="Warm")  # type: ignore[arg-type]
v16.models.ResetRequest(type="Soft", hard=True)  # type: ignore[call-arg]
v16.models.AuthorizeResponse(id_tag_info={"status": "Accepted"})  # type: ignore[arg-type]
print(read.chargePointVendor)  # type: ignore[attr-defined]
read.iccid = 5  # type: ignore[assignment]


class VendorBoot(v16.models.BootNotificationRequest):
    """A member of a vendor, which the schema does not have."""

    colour: str | None = member("vendorColour", str, default=None)


class Dim(RequestModel[Mapping[str, Any], None]):
    """A message of a vendor."""

    level: int = member("level", int)


coloured = VendorBoot(charge_point_vendor="Acme", charge_point_model="One", colour="red")
colour: str | None = coloured.colour
level: int = Dim.from_wire({"level": 5}).level
Dim()  # type: ignore[call-arg]


def told(status: v16.RegistrationStatus) -> int:
    match status:
        case "Accepted":
            return 1
        case "Pending" | "Rejected":
            return 0
