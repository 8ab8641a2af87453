"""The outcomes of a message in the outbox of a `DurableClientEngine`. The package's docstring explains the notation.

The outbox reports no states. If an input changes the state of the message, the cell ends with the new one.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["SITUATIONS", "TABLE"]

SITUATIONS: Final[Mapping[str, str]] = {
    "New": "the stored messages were not read yet; the client is online",
    "Empty": "nothing is queued; the client is online",
    "Queued": "a message is queued; the client is offline",
    "Marked": "a message has a slot of the window; its mark is not durable",
    "Sending": "a message was written and waits for its response",
    "Waiting": "a transmission failed, and the message waits for its retry",
    "Halted": "the store fails, and a message is queued; the client is offline",
}
TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "Restored": {
        "New": "→ Empty",
        "Empty | Queued | Marked | Sending | Waiting | Halted": "misuse",
    },
    "Stored": {
        "New | Empty | Queued | Sending | Waiting | Halted": "ignored",
        "Marked": "SendText, TicketAccepted, → Sending",
    },
    "Stored: a batch that was not emitted": {
        "any": "misuse",
    },
    "StoreFailed": {
        "New | Empty | Queued | Sending | Waiting": "misuse",
        "Marked": "TicketRejected, OutboxReport, → Halted",
        "Halted": "ignored",
    },
    "StoreDegraded": {
        "any": "OutboxReport",
    },
    "StoreBack": {
        "New | Empty | Queued | Marked | Sending | Waiting": "ignored",
        "Halted": "Store, OutboxReport, → Queued",
    },
    "Enqueue": {
        "New | Halted": "misuse",
        "Empty": "Settle, Store, → Marked",
        "Queued | Marked | Sending | Waiting": "Settle, Store",
    },
    "Enqueue: a bad argument": {
        "any": "misuse",
    },
    "CancelTicket": {
        "New | Empty": "ignored",
        "Queued | Marked | Sending | Waiting": "Store, → Empty",
        "Halted": "noted",
    },
    "DiscardMessages": {
        "New | Empty": "ignored",
        "Queued | Marked | Sending | Waiting": "Store, → Empty",
        "Halted": "noted",
    },
    "Acknowledge: a message without an outcome": {
        "any": "ignored",
    },
    "SetGate: closed": {
        "any": "noted",
    },
    "SetClock": {
        "any": "noted",
    },
    "ReconfigureOutbox: one attempt, no interval": {
        "New | Empty | Queued | Marked | Sending | Halted": "noted",
        "Waiting": "OutboxReport, Store, → Empty",
    },
    "TextReceived: a CALLRESULT to its transmission": {
        "New | Empty | Marked": "Report",
        "Queued | Halted": "ignored",
        "Sending": "Store, → Empty",
        "Waiting": "OutboxReport, Store, → Empty",
    },
    "TextReceived: a CALLERROR to its transmission": {
        "New | Empty | Marked": "Report",
        "Queued | Halted": "ignored",
        "Sending": "Store, → Waiting",
        "Waiting": "OutboxReport",
    },
    "Tick: its time to live is over": {
        "New | Empty": "ignored",
        "Queued": "Store, → Empty",
        "Marked": "OutboxReport, Store, → Empty",
        "Sending | Waiting | Halted": "noted",
    },
    "Tick: its timeout is over": {
        "New | Empty": "ignored",
        "Queued": "Store, → Empty",
        "Marked": "OutboxReport, Store, → Empty",
        "Sending": "Store, → Waiting",
        "Waiting | Halted": "noted",
    },
    "Tick: its interval is over": {
        "New | Empty": "noted",
        "Queued": "Store, → Empty",
        "Marked": "OutboxReport, Store, → Empty",
        "Sending": "Store, → Waiting",
        "Waiting": "Store, → Marked",
        "Halted": "noted",
    },
    "TransportLost": {
        "New | Empty | Waiting": "noted",
        "Queued | Halted": "ignored",
        "Marked | Sending": "Store, → Queued",
    },
}
