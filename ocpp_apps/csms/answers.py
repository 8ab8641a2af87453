"""The handlers of the central system, which accept every request."""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

from ocpp_transports import HandlerContext, OCPPServer, utc_now

from .transactions import RunningTransactions

__all__ = ["Milestone", "Notify", "Responder"]

Milestone: TypeAlias = Literal["booted", "charged"]
"""The station was accepted, or a transaction of the station ended."""
Notify: TypeAlias = Callable[[str, Milestone], None]
"""Receives the identity of the station and the milestone."""

_ACCEPTED: Final = {"status": "Accepted"}
_ACKNOWLEDGED: Final = (
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
)
"""Actions whose response is `{}`, and the SEND, which has no response."""


class Responder:
    """The handlers, for all versions at once.

    BootNotification responses set the heartbeat interval to `interval` seconds.
    """

    def __init__(self, transactions: RunningTransactions, notify: Notify, *, interval: int) -> None:
        self._transactions = transactions
        self._notify = notify
        self._interval = interval

    def register(self, server: OCPPServer) -> None:
        """Register the handlers."""
        handle = server.handle
        handle("BootNotification", self._boot)
        handle("DataTransfer", lambda _: {"status": "UnknownVendorId"})
        handle("Heartbeat", lambda _: {"currentTime": utc_now()})
        handle("ocpp1.6", "Authorize", lambda _: {"idTagInfo": _ACCEPTED})
        handle("Authorize", lambda _: {"idTokenInfo": _ACCEPTED})
        handle("StartTransaction", self._start_transaction)
        handle("StopTransaction", self._stop_transaction)
        handle("TransactionEvent", self._transaction_event)
        for action in _ACKNOWLEDGED:
            handle(action, lambda _: {})

    def _boot(self, context: HandlerContext) -> dict[str, Any]:
        self._notify(context.client.identity, "booted")
        return {**_ACCEPTED, "currentTime": utc_now(), "interval": self._interval}

    def _start_transaction(self, context: HandlerContext) -> dict[str, Any]:
        number = self._transactions.start(context.client.identity, context.params["connectorId"])
        return {"transactionId": number, "idTagInfo": _ACCEPTED}

    def _stop_transaction(self, context: HandlerContext) -> dict[str, Any]:
        self._transactions.end(context.client.identity, context.params["transactionId"])
        self._notify(context.client.identity, "charged")
        return {"idTagInfo": _ACCEPTED} if "idTag" in context.params else {}

    def _transaction_event(self, context: HandlerContext) -> dict[str, Any]:
        self._transactions.update(context.client.identity, context.params)
        if context.params["eventType"] == "Ended":
            self._notify(context.client.identity, "charged")
        return {"idTokenInfo": _ACCEPTED} if "idToken" in context.params else {}
