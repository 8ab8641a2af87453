"""A central system (CSMS) for OCPP 1.6 and 2.0.1 that charges known cards.

    python examples/csms.py [--host 127.0.0.1] [--port 9000]

A handler takes a context and returns the payload of the response. Strict
mode checks both against the official schemas, so a handler finds every
required field. `test_handlers.py` tests these handlers without sockets.

This server identifies stations only by name (security profile 0). Set
`security_profile` and `credentials` before you expose it to a network.
"""

import argparse
from dataclasses import dataclass
from itertools import count
from typing import Any

from ocpp_transports import (
    HandlerContext,
    HttpAnswer,
    OCPPServer,
    PlainRequest,
    utc_now,
)

Payload = dict[str, Any]


@dataclass
class Transaction:
    """One charging session of an OCPP 1.6 station."""

    station: str
    id_tag: str
    meter_start: int


class CentralSystem:
    """The server, its handlers and their data.

    A real system keeps cards and transactions in a database. Its
    handlers are `async def` and wait for the database.
    """

    def __init__(self) -> None:
        self.cards = {"CARD-1", "CARD-2"}
        self.transactions: dict[int, Transaction] = {}
        self.energy: dict[str, int] = {}  # Wh charged, by card
        self._numbers = count(1)

        self.server = OCPPServer(
            protocols=["ocpp2.0.1", "ocpp1.6"], strict_mode=True, http=True
        )
        self.server.http("/energy")(
            self.report
        )  # http=True also serves /health
        handle = self.server.handle
        handle("BootNotification", self.boot)  # for both versions
        handle("Heartbeat", self.heartbeat)
        handle("StatusNotification", self.status)
        handle("ocpp1.6", "Authorize", self.authorize)
        handle("ocpp1.6", "StartTransaction", self.start_transaction)
        handle("ocpp1.6", "MeterValues", self.meter_values)
        handle("ocpp1.6", "StopTransaction", self.stop_transaction)
        handle("ocpp2.0.1", "TransactionEvent", self.transaction_event)

    def report(self, request: PlainRequest) -> HttpAnswer:
        """Return the energy that each card has charged, in Wh, as JSON."""
        return 200, {}, self.energy

    def boot(self, context: HandlerContext) -> Payload:
        """Accept the station. It sends a Heartbeat every 300 seconds."""
        print(context.client.identity, "boots with", context.protocol)
        return {
            "status": "Accepted",
            "currentTime": utc_now(),
            "interval": 300,
        }

    def heartbeat(self, context: HandlerContext) -> Payload:
        """Return the time. The station sets its clock to it."""
        return {"currentTime": utc_now()}

    def status(self, context: HandlerContext) -> Payload:
        """Print the status of a connector."""
        params = context.params
        # The versions have different names for the same field.
        status = params.get("status") or params["connectorStatus"]
        print(context.client.identity, params["connectorId"], status)
        return {}

    def authorize(self, context: HandlerContext) -> Payload:
        """Return whether a card may charge."""
        return {"idTagInfo": self.verdict(context.params["idTag"])}

    def start_transaction(self, context: HandlerContext) -> Payload:
        """Open a transaction. The station stops it for a bad card."""
        card = context.params["idTag"]
        number = next(self._numbers)
        self.transactions[number] = Transaction(
            context.client.identity, card, context.params["meterStart"]
        )
        return {"transactionId": number, "idTagInfo": self.verdict(card)}

    def meter_values(self, context: HandlerContext) -> Payload:
        """Acknowledge the values. A real system stores them."""
        return {}

    def stop_transaction(self, context: HandlerContext) -> Payload:
        """Close a transaction and add its energy to the card's."""
        # A station repeats the message if the response was lost, so the
        # transaction may be closed already. Accept it anyway.
        number = context.params["transactionId"]
        done = self.transactions.pop(number, None)
        if done is not None:
            energy = context.params["meterStop"] - done.meter_start
            total = self.energy.get(done.id_tag, 0) + energy
            self.energy[done.id_tag] = total
            print(done.station, "charged", energy, "Wh for", done.id_tag)
        return {}

    def transaction_event(self, context: HandlerContext) -> Payload:
        """Check the card of an OCPP 2.0.1 transaction, if it has one."""
        token = context.params.get("idToken")
        if token is None:
            return {}
        return {"idTokenInfo": self.verdict(token["idToken"])}

    def verdict(self, card: str) -> Payload:
        """Return the status of a card."""
        return {"status": "Accepted" if card in self.cards else "Invalid"}


def main() -> None:
    """Serve until Ctrl-C or SIGTERM, then close every connection."""
    parser = argparse.ArgumentParser(description="Central system")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    options = parser.parse_args()
    CentralSystem().server.run(options.port, options.host)


if __name__ == "__main__":
    main()
