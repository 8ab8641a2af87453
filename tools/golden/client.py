"""The outcomes of a `ClientEngine`. The package's docstring explains the notation."""

from collections.abc import Mapping
from typing import Final

__all__ = ["SITUATIONS", "TABLE"]

SITUATIONS: Final[Mapping[str, str]] = {
    "Idle": "before `Connect`, or after the first attempt failed",
    "Connecting": "the first attempt, for `Connect`",
    "Connecting (again)": "an attempt after the loss of a connection",
    "Online": "a session is open and idle",
    "Online (busy)": "a CALL is in flight, another call waits for the window, a request from the peer is open",
    "Waiting": "a connection was lost and the next attempt is due at `until`",
    "ClientClosing": "`CloseTransport` was emitted",
    "ClientClosing (draining)": "draining before the close: a CALL is in flight and a request from the peer is open",
    "Stopped": "closed, and does not reconnect by itself",
}
TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "Connect": {
        "Idle | Stopped": "→ Connecting, OpenTransport",
        "Connecting | Connecting (again) | Online | Online (busy) | Waiting | "
        "ClientClosing | ClientClosing (draining)": "misuse",
    },
    "TransportOpened: with an offered subprotocol": {
        "Idle | Online | Online (busy) | Waiting | ClientClosing | ClientClosing (draining) | Stopped": "ignored",
        "Connecting": "→ Online, Settle",
        "Connecting (again)": "→ Online",
    },
    "TransportOpened: with another subprotocol or none": {
        "Idle | Online | Online (busy) | Waiting | ClientClosing | ClientClosing (draining) | Stopped": "ignored",
        "Connecting": "CloseTransport, Report, Settle, → Idle",
        "Connecting (again)": "CloseTransport, Report, → Waiting",
    },
    "TransportOpened: of an earlier attempt": {"any": "ignored"},
    "TransportFailed": {
        "Idle | Online | Online (busy) | Waiting | ClientClosing | ClientClosing (draining) | Stopped": "ignored",
        "Connecting": "Report, Settle, → Idle",
        "Connecting (again)": "Report, → Waiting",
    },
    "TransportFailed: retry_initial_connect": {
        "Idle | Online | Online (busy) | Waiting | ClientClosing | ClientClosing (draining) | Stopped": "ignored",
        "Connecting": "Report, Settle, → Waiting",
        "Connecting (again)": "Report, → Waiting",
    },
    "TransportFailed: after the last of max_reconnects": {
        "Idle | Online | Online (busy) | Waiting | ClientClosing | ClientClosing (draining) | Stopped": "ignored",
        "Connecting": "Report, Settle, → Idle",
        "Connecting (again)": "Report, → Stopped",
    },
    "TransportFailed: not retryable": {
        "Idle | Online | Online (busy) | Waiting | ClientClosing | ClientClosing (draining) | Stopped": "ignored",
        "Connecting": "Report, Settle, → Idle",
        "Connecting (again)": "Report, → Waiting",
    },
    "TransportFailed: of an earlier attempt": {"any": "ignored"},
    "TransportLost": {
        "Idle | Waiting | Stopped": "ignored",
        "Connecting": "Report, Settle, → Idle",
        "Connecting (again)": "Report, → Waiting",
        "Online": "→ Waiting",
        "Online (busy)": "Settle, Settle, Abandon, → Waiting",
        "ClientClosing": "→ Stopped",
        "ClientClosing (draining)": "Settle, Abandon, → Stopped",
    },
    "TransportLost: reconnect=False": {
        "Idle | Waiting | Stopped": "ignored",
        "Connecting": "Report, Settle, → Idle",
        "Connecting (again)": "Report, → Waiting",
        "Online | ClientClosing": "→ Stopped",
        "Online (busy)": "Settle, Settle, Abandon, → Stopped",
        "ClientClosing (draining)": "Settle, Abandon, → Stopped",
    },
    "TransportLost: offline_queue": {
        "Idle | Waiting | Stopped": "ignored",
        "Connecting": "Report, Settle, → Idle",
        "Connecting (again)": "Report, → Waiting",
        "Online": "→ Waiting",
        "Online (busy)": "Settle, Abandon, → Waiting",
        "ClientClosing": "→ Stopped",
        "ClientClosing (draining)": "Settle, Abandon, → Stopped",
    },
    "TransportLost: of an earlier attempt": {"any": "ignored"},
    "TextReceived: a CALL": {
        "Idle | Connecting | Connecting (again) | Waiting | ClientClosing | Stopped": "ignored",
        "Online | Online (busy) | ClientClosing (draining)": "Dispatch",
    },
    "TextReceived: a CALLRESULT to the CALL in flight": {
        "Idle | Connecting | Connecting (again) | Waiting | ClientClosing | Stopped": "ignored",
        "Online": "Report",
        "Online (busy)": "Settle, SendText",
        "ClientClosing (draining)": "Settle",
    },
    "TextReceived: of an earlier attempt": {"any": "ignored"},
    "BinaryReceived": {
        "Idle | Connecting | Connecting (again) | Waiting | ClientClosing | Stopped": "ignored",
        "Online | Online (busy) | ClientClosing (draining)": "Report",
    },
    "BinaryReceived: of an earlier attempt": {"any": "ignored"},
    "Congested: on": {
        "Idle | Connecting | Connecting (again) | Waiting | Stopped": "ignored",
        "Online | Online (busy) | ClientClosing | ClientClosing (draining)": "noted",
    },
    "Tick: early": {"any": "ignored"},
    "Tick: past `until`": {
        "Idle | Online | Online (busy) | Stopped": "ignored",
        "Connecting": "CloseTransport, Report, Settle, → Idle",
        "Connecting (again)": "CloseTransport, Report, → Waiting",
        "Waiting": "→ Connecting, OpenTransport",
        "ClientClosing": "CloseTransport, → Stopped",
        "ClientClosing (draining)": "Settle, Abandon, CloseTransport",
    },
    "Tick: past the timeout of the CALL": {
        "Idle | Online | Stopped": "ignored",
        "Connecting": "CloseTransport, Report, Settle, → Idle",
        "Connecting (again)": "CloseTransport, Report, → Waiting",
        "Online (busy)": "Settle, SendText",
        "Waiting": "→ Connecting, OpenTransport",
        "ClientClosing": "CloseTransport, → Stopped",
        "ClientClosing (draining)": "Settle, Abandon, CloseTransport",
    },
    "StartCall": {
        "Idle | Connecting | Connecting (again) | Waiting | "
        "ClientClosing | ClientClosing (draining) | Stopped": "Settle",
        "Online": "SendText",
        "Online (busy)": "noted",
    },
    "StartCall: offline_queue": {
        "Idle": "Report",
        "Connecting | Connecting (again) | Online (busy) | Waiting": "noted",
        "Online": "SendText",
        "ClientClosing | ClientClosing (draining) | Stopped": "Settle",
    },
    "StartCall: a payload that is not a JSON object": {"any": "misuse"},
    "CancelCall: the CALL in flight": {
        "Idle | Connecting | Connecting (again) | Online | Waiting | ClientClosing | Stopped": "ignored",
        "Online (busy)": "Settle",
        "ClientClosing (draining)": "Settle",
    },
    "CancelCall: a settled or unknown token": {"any": "ignored"},
    "Notify": {
        "Idle | Connecting | Connecting (again) | Waiting | "
        "ClientClosing | ClientClosing (draining) | Stopped": "Settle",
        "Online | Online (busy)": "SendText, Settle",
    },
    "Notify: a payload that is not a JSON object": {"any": "misuse"},
    "Reply": {
        "Idle | Connecting | Connecting (again) | Online | Waiting | ClientClosing | Stopped": "ignored",
        "Online (busy) | ClientClosing (draining)": "SendText",
    },
    "Fail": {
        "Idle | Connecting | Connecting (again) | Online | Waiting | ClientClosing | Stopped": "ignored",
        "Online (busy) | ClientClosing (draining)": "SendText",
    },
    "Decline": {
        "Idle | Connecting | Connecting (again) | Online | Waiting | ClientClosing | Stopped": "ignored",
        "Online (busy) | ClientClosing (draining)": "noted",
    },
    "RefuseResult": {
        "Idle | Connecting | Connecting (again) | Waiting | ClientClosing | Stopped": "ignored",
        "Online | Online (busy) | ClientClosing (draining)": "SendText",
    },
    "SendRaw": {
        "Idle | Connecting | Connecting (again) | Waiting | ClientClosing | Stopped": "Report",
        "Online | Online (busy) | ClientClosing (draining)": "SendText",
    },
    "SendRaw: with a token, a CALL": {
        "Idle | Connecting | Connecting (again) | Waiting | "
        "ClientClosing | ClientClosing (draining) | Stopped": "Settle",
        "Online": "SendText",
        "Online (busy)": "noted",
    },
    "SendRaw: with a token, not a CALL": {"any": "misuse"},
    "Close": {
        "Idle | Waiting": "→ Stopped",
        "Connecting": "CloseTransport, Settle, → Stopped",
        "Connecting (again)": "CloseTransport, → Stopped",
        "Online": "→ ClientClosing, CloseTransport",
        "Online (busy)": "→ ClientClosing, Settle",
        "ClientClosing | ClientClosing (draining) | Stopped": "ignored",
    },
    "Close: drain=False": {
        "Idle | Waiting": "→ Stopped",
        "Connecting": "CloseTransport, Settle, → Stopped",
        "Connecting (again)": "CloseTransport, → Stopped",
        "Online": "→ ClientClosing, CloseTransport",
        "Online (busy)": "→ ClientClosing, Settle, Settle, Abandon, CloseTransport",
        "ClientClosing | Stopped": "ignored",
        "ClientClosing (draining)": "Settle, Abandon, CloseTransport",
    },
    "Close: force=True": {
        "Idle | Waiting": "→ Stopped",
        "Connecting": "CloseTransport, Settle, → Stopped",
        "Connecting (again)": "CloseTransport, → Stopped",
        "Online": "→ ClientClosing, CloseTransport",
        "Online (busy)": "→ ClientClosing, Settle, Settle, Abandon, CloseTransport",
        "ClientClosing": "CloseTransport",
        "ClientClosing (draining)": "Settle, Abandon, CloseTransport",
        "Stopped": "ignored",
    },
    "Reconfigure: a ClientConfig": {"any": "noted"},
    "Reconfigure: a SessionConfig": {
        "Idle | Connecting | Connecting (again) | Online | Waiting | "
        "ClientClosing | ClientClosing (draining) | Stopped": "noted",
        "Online (busy)": "SendText",
    },
    "Reconfigure: the config of another layer": {"any": "misuse"},
    "Probe": {"any": "ignored"},
    "Register": {"any": "ignored"},
}
