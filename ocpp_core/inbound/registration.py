"""The rules for messages before a station's BootNotification is accepted.

Sources: OCPP 1.6 §4.2, OCPP-J 1.6 errata 3.8, OCPP 2.x Part 2 use cases B02 (FR.01, FR.02, FR.05, FR.09) and B03
(FR.07). A station without an answer is treated like a rejected one, but may be asked for its BootNotification.

| Last answer | CALLs of the station | Calls of the central system |
|---|---|---|
| none | BootNotification, and what TriggerMessage asked for | TriggerMessage, ExtendedTriggerMessage |
| Pending | the same, and NotifyReport after GetReport or GetBaseReport | all except to start or stop a transaction |
| Rejected | BootNotification | none |
| Accepted | all | all |
"""

from collections.abc import Mapping
from typing import Any, Final

from ocpp_core.actions import RegistrationStatus

__all__ = ["BOOT", "RegistrationGate", "status_in"]

BOOT: Final = "BootNotification"
_STATUSES: Final[Mapping[str, RegistrationStatus]] = {
    "Accepted": "Accepted",
    "Pending": "Pending",
    "Rejected": "Rejected",
}
_TRIGGERS: Final = frozenset({"TriggerMessage", "ExtendedTriggerMessage"})
_NOT_WHILE_PENDING: Final = frozenset(
    {"RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction"}
)
_REPORTED_BY: Final[Mapping[str, str]] = {"GetBaseReport": "NotifyReport", "GetReport": "NotifyReport"}
_SIGNED: Final = "SignCertificate"
_TRIGGERED: Final[Mapping[str, str]] = {
    "SignChargePointCertificate": _SIGNED,
    "SignChargingStationCertificate": _SIGNED,
    "SignCombinedCertificate": _SIGNED,
    "SignV2GCertificate": _SIGNED,
    "SignV2G20Certificate": _SIGNED,
}
"""The triggers whose message has another name."""


def status_in(payload: Mapping[str, Any]) -> RegistrationStatus | None:
    """Return the status in the response to a BootNotification; None without a known one."""
    status = payload.get("status")
    return _STATUSES.get(status) if isinstance(status, str) else None


class RegistrationGate:
    """The registration of one station on one connection."""

    __slots__ = ("_asked", "status")

    def __init__(self) -> None:
        self.status: RegistrationStatus | None = None
        """The last answer to its BootNotification; None without one on this connection."""
        self._asked: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """True if the station is accepted: every message is allowed."""
        return self.status == "Accepted"

    def admits(self, action: str) -> bool:
        """Return True if the station may send this CALL or SEND."""
        return self.status == "Accepted" or action == BOOT or action in self._asked

    def permits(self, action: str) -> bool:
        """Return True if the central system may send this CALL."""
        match self.status:
            case "Accepted":
                return True
            case "Pending":
                return action not in _NOT_WHILE_PENDING
            case "Rejected":
                return False
            case _:
                return action in _TRIGGERS

    def sent(self, action: str, payload: Mapping[str, Any]) -> None:
        """Note a CALL that was sent: the station may send what it asks for."""
        asked = payload.get("requestedMessage") if action in _TRIGGERS else _REPORTED_BY.get(action)
        if isinstance(asked, str):
            self._asked |= {_TRIGGERED.get(asked, str(asked))}

    def answered(self, status: RegistrationStatus) -> None:
        """Note the response to a BootNotification."""
        self.status = status
        self._asked = frozenset()
