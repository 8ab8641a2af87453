"""The same story in the words of each version: OCPP 1.6, and OCPP 2.0.1 and 2.1, which share theirs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import uuid4

from anyio import to_thread

from ocpp_transports import utc_now, warm_up

__all__ = ["PROTOCOLS", "SAMPLES", "Call", "Dialect", "Session", "compile_checks", "dialect_of"]

Payload: TypeAlias = dict[str, Any]
Call: TypeAlias = tuple[str, Payload]
"""An action and its payload."""

SAMPLES: Final = 6
"""Meter values of a charging session."""

_SETTING: Final = "HeartbeatInterval"
_TOKEN: Final = "04A1B2C3D4E5F6"  # noqa: S105 - the number of a charging card


@dataclass
class Session:
    """A charging session at a station. 1.6 has its transaction numbered by the central system, 2.x by the station."""

    remote: bool
    """Started by the central system."""
    transaction: str | int = field(default_factory=lambda: str(uuid4()))
    energy: int = 1200
    """What the meter shows, Wh."""
    events: int = 0
    """The next sequence number of 2.x."""


class Dialect(ABC):
    """Requests of both sides, and how a station answers those of the central system."""

    actions: tuple[str, ...] = ("Authorize", "BootNotification", "Heartbeat", "Reset", "StatusNotification")
    """What the story consists of."""
    read_action: str
    change_action: str
    start_action: str

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol

    # A station says

    @abstractmethod
    def boot(self, reason: str) -> Call:
        """Introduce the station."""

    @abstractmethod
    def status(self, status: str) -> Call:
        """Report the connector's status."""

    def invalid(self) -> Call:
        """Report a status and leave out which: the schemas of every version require it."""
        action, payload = self.status("Available")
        return action, {name: value for name, value in payload.items() if not name.lower().endswith("status")}

    @abstractmethod
    def authorize(self) -> Call:
        """Ask whether the driver may charge."""

    @abstractmethod
    def begin(self, session: Session) -> Call:
        """Report that charging begins."""

    @abstractmethod
    def begun(self, session: Session, answer: Mapping[str, Any]) -> None:
        """Learn from the answer to `begin`."""

    @abstractmethod
    def sample(self, session: Session, *, offline: bool) -> Call:
        """Report a meter value."""

    @abstractmethod
    def end(self, session: Session) -> Call:
        """Report that charging is over."""

    @abstractmethod
    def stream(self, session: Session) -> Call | None:
        """Give a SEND, where the version has that."""

    # The central system says

    @abstractmethod
    def read(self) -> Call:
        """Ask for a setting."""

    @abstractmethod
    def change(self, value: str) -> Call:
        """Change the setting."""

    @abstractmethod
    def start(self) -> Call:
        """Ask for a charging session."""

    @abstractmethod
    def reset(self) -> Call:
        """Ask for a restart."""

    # A station answers

    @abstractmethod
    def setting(self, params: Mapping[str, Any], value: str) -> Payload:
        """Answer `read`: of all settings this station knows one."""

    @abstractmethod
    def changed(self, params: Mapping[str, Any]) -> tuple[str | None, Payload]:
        """Give the new value of the setting, None if it does not change, and the answer to `change`."""


class Dialect16(Dialect):
    """OCPP 1.6."""

    read_action = "GetConfiguration"
    change_action = "ChangeConfiguration"
    start_action = "RemoteStartTransaction"
    actions = (
        *Dialect.actions, read_action, change_action, start_action, "StartTransaction", "MeterValues", "StopTransaction"
    )  # fmt: skip

    def boot(self, reason: str) -> Call:  # noqa: ARG002 - 1.6 has no reason
        """Introduce the station."""
        return "BootNotification", {"chargePointVendor": "Example", "chargePointModel": "Wallbox 22"}

    def status(self, status: str) -> Call:
        """Report the connector's status."""
        payload = {"connectorId": 1, "errorCode": "NoError", "status": status, "timestamp": utc_now()}
        return "StatusNotification", payload

    def authorize(self) -> Call:
        """Ask whether the driver may charge."""
        return "Authorize", {"idTag": _TOKEN}

    def begin(self, session: Session) -> Call:
        """Report that charging begins."""
        payload = {"connectorId": 1, "idTag": _TOKEN, "meterStart": session.energy, "timestamp": utc_now()}
        return "StartTransaction", payload

    def begun(self, session: Session, answer: Mapping[str, Any]) -> None:
        """Learn the number of the transaction; 0 if the answer has none."""
        session.transaction = answer.get("transactionId", 0)

    def sample(self, session: Session, *, offline: bool) -> Call:  # noqa: ARG002 - 1.6 does not tell
        """Report a meter value."""
        value = {"timestamp": utc_now(), "sampledValue": [{"value": str(session.energy), "unit": "Wh"}]}
        return "MeterValues", {"connectorId": 1, "transactionId": session.transaction, "meterValue": [value]}

    def end(self, session: Session) -> Call:
        """Report that charging is over."""
        payload = {"transactionId": session.transaction, "meterStop": session.energy, "timestamp": utc_now()}
        return "StopTransaction", {**payload, "reason": "EVDisconnected"}

    def stream(self, session: Session) -> Call | None:  # noqa: ARG002 - 1.6 has no SEND
        """Give no SEND."""
        return None

    def read(self) -> Call:
        """Ask for a setting."""
        return self.read_action, {"key": [_SETTING]}

    def change(self, value: str) -> Call:
        """Change the setting."""
        return self.change_action, {"key": _SETTING, "value": value}

    def start(self) -> Call:
        """Ask for a charging session."""
        return self.start_action, {"connectorId": 1, "idTag": _TOKEN}

    def reset(self) -> Call:
        """Ask for a restart."""
        return "Reset", {"type": "Soft"}

    def setting(self, params: Mapping[str, Any], value: str) -> Payload:
        """Answer `read`; without a key it means all."""
        keys = params.get("key") or [_SETTING]
        known = {"key": _SETTING, "readonly": False, "value": value}
        unknown = [key for key in keys if key != _SETTING]
        return {"configurationKey": [known] if _SETTING in keys else [], "unknownKey": unknown}

    def changed(self, params: Mapping[str, Any]) -> tuple[str | None, Payload]:
        """Give the new value of the setting, if it is the one that is known, and the answer to `change`."""
        if params["key"] != _SETTING:
            return None, {"status": "NotSupported"}
        return params["value"], {"status": "Accepted"}


class Dialect2(Dialect):
    """OCPP 2.0.1 and 2.1."""

    read_action = "GetVariables"
    change_action = "SetVariables"
    start_action = "RequestStartTransaction"
    actions = (*Dialect.actions, read_action, change_action, start_action, "TransactionEvent")

    _where: Final = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": _SETTING}}
    _token: Final = {"idToken": _TOKEN, "type": "ISO14443"}

    def boot(self, reason: str) -> Call:
        """Introduce the station."""
        station = {"vendorName": "Example", "model": "Wallbox 22"}
        return "BootNotification", {"reason": reason, "chargingStation": station}

    def status(self, status: str) -> Call:
        """Report the connector's status: 2.x does not tell what it is occupied with."""
        shown = "Available" if status == "Available" else "Occupied"
        return "StatusNotification", {"timestamp": utc_now(), "connectorStatus": shown, "evseId": 1, "connectorId": 1}

    def authorize(self) -> Call:
        """Ask whether the driver may charge."""
        return "Authorize", {"idToken": self._token}

    def begin(self, session: Session) -> Call:
        """Report that charging begins."""
        reason = "RemoteStart" if session.remote else "Authorized"
        return self._event(session, "Started", reason, idToken=self._token, evse={"id": 1, "connectorId": 1})

    def begun(self, session: Session, answer: Mapping[str, Any]) -> None:
        """Learn nothing: the station has numbered the transaction."""

    def sample(self, session: Session, *, offline: bool) -> Call:
        """Report a meter value."""
        value = {"timestamp": utc_now(), "sampledValue": [{"value": session.energy, "unitOfMeasure": {"unit": "Wh"}}]}
        return self._event(session, "Updated", "MeterValuePeriodic", meterValue=[value], offline=offline)

    def end(self, session: Session) -> Call:
        """Report that charging is over."""
        return self._event(session, "Ended", "EVDeparted")

    def stream(self, session: Session) -> Call | None:
        """Give the one SEND that OCPP has, new in 2.1."""
        if self.protocol != "ocpp2.1":
            return None
        data = [{"t": 0.0, "v": str(session.energy)}]
        return "NotifyPeriodicEventStream", {"id": 1, "pending": 0, "basetime": utc_now(), "data": data}

    def read(self) -> Call:
        """Ask for a setting."""
        return self.read_action, {"getVariableData": [self._where]}

    def change(self, value: str) -> Call:
        """Change the setting."""
        return self.change_action, {"setVariableData": [{**self._where, "attributeValue": value}]}

    def start(self) -> Call:
        """Ask for a charging session."""
        return self.start_action, {"remoteStartId": 1, "idToken": self._token, "evseId": 1}

    def reset(self) -> Call:
        """Ask for a restart."""
        return "Reset", {"type": "OnIdle"}

    def setting(self, params: Mapping[str, Any], value: str) -> Payload:
        """Answer `read`, variable by variable."""
        asked = params["getVariableData"]
        return {"getVariableResult": [_result(item, {"attributeValue": value}) for item in asked]}

    def changed(self, params: Mapping[str, Any]) -> tuple[str | None, Payload]:
        """Give the new value of the setting, if it is among them, and the answer to `change`."""
        asked = params["setVariableData"]
        values = [item["attributeValue"] for item in asked if item["variable"]["name"] == _SETTING]
        return values[-1] if values else None, {"setVariableResult": [_result(item, {}) for item in asked]}

    def _event(self, session: Session, kind: str, trigger: str, **further: Any) -> Call:
        number, session.events = session.events, session.events + 1
        payload = {"eventType": kind, "timestamp": utc_now(), "triggerReason": trigger, "seqNo": number}
        return "TransactionEvent", {**payload, "transactionInfo": {"transactionId": session.transaction}, **further}


def _result(item: Mapping[str, Any], found: Payload) -> Payload:
    """Answer for one variable of 2.x."""
    where = {"component": item["component"], "variable": item["variable"]}
    if item["variable"]["name"] != _SETTING:
        return {**where, "attributeStatus": "UnknownVariable"}
    return {**where, "attributeStatus": "Accepted", **found}


_DIALECTS: Final[Mapping[str, type[Dialect]]] = {"ocpp1.6": Dialect16, "ocpp2.0.1": Dialect2, "ocpp2.1": Dialect2}

PROTOCOLS: Final = tuple(_DIALECTS)
"""The versions that the story can be told in."""


def dialect_of(protocol: str) -> Dialect:
    """Give the dialect of a subprotocol."""
    return _DIALECTS[protocol](protocol)


async def compile_checks(*protocols: str) -> None:
    """Compile the checks of strict mode that the story needs; the library would compile those of all actions."""
    for protocol in protocols:
        await to_thread.run_sync(warm_up, protocol, dialect_of(protocol).actions)
