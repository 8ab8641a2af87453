"""The transactions that run, as far as stations have told."""

from collections.abc import Mapping
from itertools import count
from typing import Any, Final

__all__ = ["RunningTransactions"]

MOST: Final = 1000
"""Stations whose transactions are remembered, and transactions of each."""
_LONGEST_ID: Final = 36
"""Characters (2.0.1 Part 2, TransactionType)."""


class RunningTransactions:
    """By station: the connector (2.x: EVSE) of each transaction, 0 where the station has not named it."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._running: dict[str, dict[int | str, int]] = {}

    def of(self, identity: str) -> Mapping[int | str, int]:
        """Return the transactions of a station, by id."""
        return self._running.get(identity, {})

    def start(self, identity: str, connector: int) -> int:
        """Remember a transaction of OCPP 1.6, and return the number that it gets."""
        number = next(self._numbers)
        self._add(identity, number, connector)
        return number

    def update(self, identity: str, event: Mapping[str, Any]) -> None:
        """Learn from a TransactionEvent of OCPP 2.x."""
        transaction_id = event["transactionInfo"]["transactionId"]
        if event["eventType"] == "Ended":
            self.end(identity, transaction_id)
        else:
            self._add(identity, transaction_id, event.get("evse", {}).get("id", 0))

    def end(self, identity: str, transaction_id: int | str) -> None:
        """Forget a transaction; one that is unknown is no error."""
        running = self._running.get(identity, {})
        running.pop(transaction_id, None)
        if not running:
            self._running.pop(identity, None)

    def _add(self, identity: str, transaction_id: int | str, connector: int) -> None:
        """Remember a transaction, unless there are too many, or the station has named it against the schema."""
        if isinstance(transaction_id, str) and len(transaction_id) > _LONGEST_ID:
            return
        if identity in self._running or len(self._running) < MOST:
            running = self._running.setdefault(identity, {})
            if len(running) < MOST:
                running.setdefault(transaction_id, connector if isinstance(connector, int) else 0)
