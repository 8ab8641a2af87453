"""The running transactions that stations have reported."""

from collections.abc import Mapping
from itertools import count
from typing import Any, Final

__all__ = ["RunningTransactions"]

MOST: Final = 1000
"""Stations with stored transactions, and stored transactions of each station. Further ones are ignored."""
_LONGEST_ID: Final = 36
"""Characters (2.0.1 Part 2, TransactionType)."""


class RunningTransactions:
    """The connector (2.x: EVSE) of each transaction, by station. It is 0 if the station did not name it."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._running: dict[str, dict[int | str, int]] = {}

    def of(self, identity: str) -> Mapping[int | str, int]:
        """Return the transactions of a station, by id."""
        return self._running.get(identity, {})

    def start(self, identity: str, connector: int) -> int:
        """Store a transaction of OCPP 1.6 and return its new number."""
        number = next(self._numbers)
        self._add(identity, number, connector)
        return number

    def update(self, identity: str, event: Mapping[str, Any]) -> None:
        """Store or remove the transaction of a TransactionEvent (2.x)."""
        transaction_id = event["transactionInfo"]["transactionId"]
        if event["eventType"] == "Ended":
            self.end(identity, transaction_id)
        else:
            self._add(identity, transaction_id, event.get("evse", {}).get("id", 0))

    def end(self, identity: str, transaction_id: int | str) -> None:
        """Remove a transaction. Does nothing if it is unknown."""
        running = self._running.get(identity, {})
        running.pop(transaction_id, None)
        if not running:
            self._running.pop(identity, None)

    def _add(self, identity: str, transaction_id: int | str, connector: int) -> None:
        """Store a transaction, unless a limit is reached or its id is longer than the schema allows."""
        if isinstance(transaction_id, str) and len(transaction_id) > _LONGEST_ID:
            return
        if identity in self._running or len(self._running) < MOST:
            running = self._running.setdefault(identity, {})
            if len(running) < MOST:
                running.setdefault(transaction_id, connector if isinstance(connector, int) else 0)
