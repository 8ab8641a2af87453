"""The outcomes of a `ServerEngine`. The package's docstring explains the notation.

It does not report the states of its handshake. If an input changes the state, the cell ends with the new one.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["SITUATIONS", "TABLE"]

SITUATIONS: Final[Mapping[str, str]] = {
    "New": "no request has arrived yet",
    "Asked": "`UpgradeRequested` waits for `Accept` or `Reject`",
    "Accepted": "the host responds to the request and opens the WebSocket",
    "Ended": "the handshake failed",
    "Open": "the session is open and idle",
    "Draining": "draining before the close: a CALL is in flight and a request from the peer is open",
    "Closing": "`CloseTransport` was emitted",
    "Closed": "the transport is lost or closed",
}
TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "UpgradeReceived": {
        "New": "UpgradeRequested, → Asked",
        "Asked | Accepted | Open | Draining | Closing | Closed": "misuse",
        "Ended": "ignored",
    },
    "UpgradeReceived: a subprotocol offered twice": {
        "New": "Report, Settle, → Closed, → Ended",
        "Asked | Accepted | Open | Draining | Closing | Closed": "misuse",
        "Ended": "ignored",
    },
    "Accept: an offered subprotocol": {
        "New | Accepted | Open | Draining | Closing | Closed": "misuse",
        "Asked": "Settle, → Accepted",
        "Ended": "ignored",
    },
    "Accept: a subprotocol that was not offered": {
        "New | Asked | Accepted | Open | Draining | Closing | Closed": "misuse",
        "Ended": "ignored",
    },
    "Reject": {
        "New | Accepted | Open | Draining | Closing | Closed": "misuse",
        "Asked": "Settle, → Closed, → Ended",
        "Ended": "ignored",
    },
    "Reject: a status that is not an error": {
        "New | Asked | Accepted | Open | Draining | Closing | Closed": "misuse",
        "Ended": "ignored",
    },
    "TransportOpened": {
        "New | Asked | Open | Draining | Closing | Closed": "misuse",
        "Accepted": "→ Open",
        "Ended": "ignored",
    },
    "TransportLost": {
        "New | Accepted": "→ Closed, → Ended",
        "Asked": "Settle, → Closed, → Ended",
        "Ended | Closed": "ignored",
        "Open | Closing": "→ Closed",
        "Draining": "Settle, Abandon, → Closed",
    },
    "TextReceived: a CALL": {
        "New | Asked | Accepted | Ended | Closing | Closed": "ignored",
        "Open | Draining": "Dispatch",
    },
    "BinaryReceived": {
        "New | Asked | Accepted | Ended | Closing | Closed": "ignored",
        "Open | Draining": "Report",
    },
    "Congested: on": {
        "New | Asked | Accepted | Ended": "ignored",
        "Open | Draining | Closing | Closed": "noted",
    },
    "Tick: early": {"any": "ignored"},
    "Tick: past handshake_timeout": {
        "New | Accepted": "→ Closed, → Ended",
        "Asked": "Settle, → Closed, → Ended",
        "Ended | Open | Closed": "ignored",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Closing": "CloseTransport, → Closed",
    },
    "StartCall": {
        "New | Asked | Accepted | Ended | Draining | Closing | Closed": "Settle",
        "Open": "SendText",
    },
    "StartCall: a payload that is not a JSON object": {"any": "misuse"},
    "CancelCall: the token of the request": {
        "New | Accepted | Ended | Open | Draining | Closing | Closed": "ignored",
        "Asked": "→ Closed, → Ended",
    },
    "CancelCall: a settled or unknown token": {"any": "ignored"},
    "Notify": {
        "New | Asked | Accepted | Ended | Draining | Closing | Closed": "Settle",
        "Open": "SendText, Settle",
    },
    "Reply": {
        "New | Asked | Accepted | Ended | Open | Closing | Closed": "ignored",
        "Draining": "SendText",
    },
    "Fail": {
        "New | Asked | Accepted | Ended | Open | Closing | Closed": "ignored",
        "Draining": "SendText",
    },
    "Decline": {
        "New | Asked | Accepted | Ended | Open | Closing | Closed": "ignored",
        "Draining": "noted",
    },
    "RefuseResult": {
        "New | Asked | Accepted | Ended | Closing | Closed": "ignored",
        "Open | Draining": "SendText",
    },
    "SendRaw": {
        "New | Asked | Accepted | Ended | Closing | Closed": "Report",
        "Open | Draining": "SendText",
    },
    "SendRaw: with a token, a CALL": {
        "New | Asked | Accepted | Ended | Draining | Closing | Closed": "Settle",
        "Open": "SendText",
    },
    "Close": {
        "New": "→ Closed, → Ended",
        "Asked": "Settle, → Closed, → Ended",
        "Accepted": "noted",
        "Ended | Draining | Closing | Closed": "ignored",
        "Open": "→ Closing, CloseTransport",
    },
    "Close: force=True": {
        "New": "→ Closed, → Ended",
        "Asked": "Settle, → Closed, → Ended",
        "Accepted": "noted",
        "Ended | Closed": "ignored",
        "Open": "→ Closing, CloseTransport",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Closing": "CloseTransport",
    },
    "Reconfigure: a SessionConfig": {"any": "noted"},
    "Reconfigure: a LinkConfig": {"any": "ignored"},
    "Reconfigure: the config of another layer": {"any": "misuse"},
    "Probe": {"any": "ignored"},
    "Register": {"any": "ignored"},
}
