"""The device model of OCPP 2.0.1 and 2.1: variables read, changed and reported."""

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import Final

from ocpp_apps.station.model.configuration import Change, Key, Variable
from ocpp_apps.station.model.dialect import Payload
from ocpp_apps.station.operation.commands import Command, Commands
from ocpp_core.times import write_time

__all__ = ["DeviceModel"]

_PER_REPORT: Final = 20
"""Variables in one NotifyReport."""
_CHANGES: Final[Mapping[Change, str]] = {
    Change.ACCEPTED: "Accepted",
    Change.REJECTED: "Rejected",
    Change.READ_ONLY: "Rejected",
    Change.UNKNOWN: "UnknownVariable",
}
_SUMMARY: Final = frozenset({"AvailabilityState", "Available", "Problem"})


class DeviceModel(Commands):
    """GetVariables, SetVariables and the reports. Every variable has only the attribute Actual."""

    @cached_property
    def table(self) -> Mapping[str, Command]:
        """The supported actions and their handlers."""
        return {
            "GetBaseReport": self._get_base_report,
            "GetReport": self._get_report,
            "GetVariables": lambda params: {
                "getVariableResult": [self._get(item) for item in params["getVariableData"]]
            },
            "SetVariables": lambda params: {
                "setVariableResult": [self._set(item) for item in params["setVariableData"]]
            },
        }

    def _get(self, item: Payload) -> Payload:
        variable = self._equipment.configuration.find(_key(item))
        status = self._missing(item) if variable is None else _status_of_attribute(item)
        answer = {**_place(item), "attributeStatus": status}
        if variable is not None and status == "Accepted":
            answer["attributeValue"] = variable.text
        return answer

    def _set(self, item: Payload) -> Payload:
        status = _status_of_attribute(item)
        if status == "Accepted":
            change = self._equipment.configuration.change(_key(item), item["attributeValue"])
            status = self._missing(item) if change is Change.UNKNOWN else _CHANGES[change]
        return {**_place(item), "attributeStatus": status}

    def _missing(self, item: Payload) -> str:
        is_known = self._equipment.configuration.has_component(_key(item))
        return "UnknownVariable" if is_known else "UnknownComponent"

    # Reports

    def _get_base_report(self, params: Payload) -> Payload:
        variables = list(self._equipment.configuration)
        if params["reportBase"] == "ConfigurationInventory":
            variables = [variable for variable in variables if variable.writable]
        elif params["reportBase"] == "SummaryInventory":
            variables = [variable for variable in variables if variable.key.name in _SUMMARY]
        return self._report(params["requestId"], variables)

    def _get_report(self, params: Payload) -> Payload:
        places = params.get("componentVariable")
        criteria = params.get("componentCriteria", ())
        found = [
            variable
            for variable in self._equipment.configuration
            if (places is None or any(_is_at(variable.key, place) for place in places))
            and all(self._fulfils(variable.key, criterion) for criterion in criteria)
        ]
        return self._report(params["requestId"], found)

    def _fulfils(self, key: Key, criterion: str) -> bool:
        """Return True if a component meets a criterion. Without a variable, it meets all but Problem."""
        said = self._equipment.configuration.find(key._replace(name=criterion, instance=""))
        return criterion != "Problem" if said is None else said.text == "true"

    def _report(self, request: int, variables: list[Variable]) -> Payload:
        if not variables:
            return {"status": "EmptyResultSet"}
        self._later("NotifyReport", partial(self._send_report, request, variables))
        return {"status": "Accepted"}

    async def _send_report(self, request: int, variables: list[Variable]) -> None:
        equipment = self._equipment
        parts = [variables[start : start + _PER_REPORT] for start in range(0, len(variables), _PER_REPORT)]
        for number, part in enumerate(parts):
            payload = {
                "requestId": request,
                "generatedAt": write_time(equipment.clock.now()),
                "seqNo": number,
                "tbc": number + 1 < len(parts),
                "reportData": list(_described(part)),
            }
            await equipment.send(("NotifyReport", payload))


def _described(variables: Iterable[Variable]) -> Iterable[Payload]:
    for variable in variables:
        attribute = {
            "type": "Actual",
            "value": variable.text,
            "mutability": "ReadWrite" if variable.writable else "ReadOnly",
            "persistent": True,
            "constant": False,
        }
        yield {
            "component": _component(variable.key),
            "variable": {"name": variable.key.name, **_instance(variable.key)},
            "variableAttribute": [attribute],
            "variableCharacteristics": _characteristics(variable),
        }


def _characteristics(variable: Variable) -> Payload:
    described: Payload = {"dataType": variable.kind, "supportsMonitoring": False}
    if variable.unit:
        described["unit"] = variable.unit
    if variable.kind == "integer" and variable.writable:
        described |= {"minLimit": variable.minimum, "maxLimit": variable.maximum}
    if variable.values:
        described["valuesList"] = ",".join(variable.values)
    return described


def _component(key: Key) -> Payload:
    if key.evse is None:
        return {"name": key.component}
    place = {"id": key.evse} if key.connector is None else {"id": key.evse, "connectorId": key.connector}
    return {"name": key.component, "evse": place}


def _instance(key: Key) -> Payload:
    return {"instance": key.instance} if key.instance else {}


def _key(item: Payload) -> Key:
    component, variable = item["component"], item["variable"]
    evse = component.get("evse", {})
    return Key(
        variable["name"], component["name"], evse.get("id"), variable.get("instance", ""), evse.get("connectorId")
    )


def _is_at(key: Key, place: Payload) -> bool:
    """Return True if a variable matches a place. A field that the place leaves out matches anything."""
    component, variable, own = place["component"], place.get("variable"), key.folded
    evse = component.get("evse", {})
    return (
        component["name"].lower() == own.component
        and evse.get("id", key.evse) == key.evse
        and evse.get("connectorId", key.connector) == key.connector
        and (variable is None or variable["name"].lower() == own.name)
        and (variable is None or variable.get("instance", key.instance).lower() == own.instance)
    )


def _place(item: Payload) -> Payload:
    """Return the component and the variable of a request, for the response."""
    return {name: item[name] for name in ("attributeType", "component", "variable") if name in item}


def _status_of_attribute(item: Payload) -> str:
    return "Accepted" if item.get("attributeType", "Actual") == "Actual" else "NotSupportedAttributeType"
