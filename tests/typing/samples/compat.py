"""A program that was written for the package `ocpp`, with the types that its payloads accept."""

from typing import Any

from ocpp_transports.compat.routing import on
from ocpp_transports.compat.v16 import ChargePoint, call, call_result
from ocpp_transports.compat.v16.datatypes import IdTagInfo, MeterValue, SampledValue
from ocpp_transports.compat.v16.enums import Action, AuthorizationStatus, RegistrationStatus, UnitOfMeasure
from ocpp_transports.compat.v201 import call as call_201
from ocpp_transports.compat.v201 import datatypes, enums


class CentralSystem(ChargePoint):
    @on(Action.BootNotification)
    def boot(self, charge_point_vendor: str, charge_point_model: str, **rest: Any) -> call_result.BootNotification:
        return call_result.BootNotificationPayload(
            current_time="2026-01-01T00:00:00Z", interval=300, status=RegistrationStatus.accepted
        )

    @on("Authorize")
    async def authorize(self, id_tag: str) -> call_result.Authorize:
        info = IdTagInfo(AuthorizationStatus.accepted) if id_tag else {"status": "Invalid"}
        return call_result.Authorize(id_tag_info=info)


def read(answer: call_result.Authorize, boot: call_result.BootNotification) -> bool:
    return answer.id_tag_info["status"] == AuthorizationStatus.accepted and boot.status == "Accepted"


sampled = [SampledValue("1", unit=UnitOfMeasure.kwh), SampledValue("2", unit="Wh")]
call.MeterValues(1, [MeterValue("2026-01-01T00:00:00Z", sampled)])
call.MeterValues(1, [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1"}]}])
call_201.Authorize(id_token=datatypes.IdTokenType("TAG", enums.IdTokenType.central))
call_201.Authorize(id_token={"idToken": "TAG", "type": "Central"})
call_201.GetReport(1, component_criteria=["Active", "Problem"])
text: str = Action.heartbeat

call.BootNotification(charge_point_model="One")  # type: ignore[call-arg]
call.BootNotification("One", "Acme", iccid=7)  # type: ignore[arg-type]
call.MeterValues(1, [3])  # type: ignore[arg-type]
call.Hartbeat()  # type: ignore[attr-defined]
print(Action.hartbeat)  # type: ignore[attr-defined]
