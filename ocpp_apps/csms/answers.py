"""A central system that accepts everything, for stations that have no other one to talk to."""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any, Final, Protocol

from ocpp_core.times import write_time

__all__ = ["accept_everything"]

_SILENT: Final = (
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "MeterValues",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyPeriodicEventStream",
    "NotifyReport",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
    "SignedFirmwareStatusNotification",
    "StatusNotification",
    "TransactionEvent",
)
"""What is answered by `{}`, or is a SEND and not answered at all."""


class Handling(Protocol):
    """The part of a server that is used here."""

    def handle(self, *args: Any) -> Any:
        """Register a handler."""


def accept_everything(server: Handling, now: Callable[[], datetime], *, interval: int = 30) -> None:
    """Register the handlers, for all versions at once; heartbeats are wanted every `interval` seconds."""
    transactions = count(1)
    handle = server.handle

    def boot(_: object) -> dict[str, Any]:
        return {"status": "Accepted", "currentTime": write_time(now()), "interval": interval}

    def start_transaction(_: object) -> dict[str, Any]:
        return {"transactionId": next(transactions), "idTagInfo": {"status": "Accepted"}}

    handle("BootNotification", boot)
    handle("DataTransfer", lambda _: {"status": "UnknownVendorId"})
    handle("Heartbeat", lambda _: {"currentTime": write_time(now())})
    handle("ocpp1.6", "Authorize", lambda _: {"idTagInfo": {"status": "Accepted"}})
    handle("Authorize", lambda _: {"idTokenInfo": {"status": "Accepted"}})
    handle("StartTransaction", start_transaction)
    handle("StopTransaction", lambda _: {"idTagInfo": {"status": "Accepted"}})
    for action in _SILENT:
        handle(action, lambda _: {})
