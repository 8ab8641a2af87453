"""A central system that accepts everything, for stations that have no other one to talk to."""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any, Final, Protocol

from ._time import write_time

__all__ = ["accept_everything"]

_HEARTBEAT_INTERVAL: Final = 30
_SILENT: Final = (
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "MeterValues",
    "NotifyEvent",
    "NotifyReport",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
    "SignedFirmwareStatusNotification",
    "StatusNotification",
    "TransactionEvent",
)
"""What is answered by `{}`."""


class Handling(Protocol):
    """The part of a server that is used here."""

    def handle(self, *args: Any) -> Any:
        """Register a handler."""


def accept_everything(server: Handling, now: Callable[[], datetime]) -> None:
    """Register the handlers."""
    transactions = count(1)
    handle = server.handle

    def boot(_: object) -> dict[str, Any]:
        return {"status": "Accepted", "currentTime": write_time(now()), "interval": _HEARTBEAT_INTERVAL}

    def start_transaction(_: object) -> dict[str, Any]:
        return {"transactionId": next(transactions), "idTagInfo": {"status": "Accepted"}}

    handle("BootNotification", boot)
    handle("Heartbeat", lambda _: {"currentTime": write_time(now())})
    handle("ocpp1.6", "Authorize", lambda _: {"idTagInfo": {"status": "Accepted"}})
    handle("Authorize", lambda _: {"idTokenInfo": {"status": "Accepted"}})
    handle("StartTransaction", start_transaction)
    handle("StopTransaction", lambda _: {"idTagInfo": {"status": "Accepted"}})
    for action in _SILENT:
        handle(action, lambda _: {})
