"""What a `Session` does; the notation is explained in the package's docstring."""

from collections.abc import Mapping
from typing import Final

__all__ = ["SITUATIONS", "TABLE"]

SITUATIONS: Final[Mapping[str, str]] = {
    "Open": "nothing is going on",
    "Open (busy)": "a CALL is in flight, another call waits for the window, a request of the peer is open",
    "Draining": "closing politely while a CALL is in flight and a request of the peer is open",
    "Closing": "the transport was told to close",
    "Closed": "the transport is gone",
}
TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "TextReceived: a CALL": {
        "Open | Open (busy) | Draining": "Dispatch",
        "Closing | Closed": "ignored",
    },
    "TextReceived: another CALL with the id of an open one": {
        "Open": "Dispatch",
        "Open (busy) | Draining": "Report, SendText",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a copy of an open CALL": {
        "Open": "Dispatch",
        "Open (busy) | Draining": "Report",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a CALLRESULT to the CALL in flight": {
        "Open": "Report",
        "Open (busy)": "Settle, SendText",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a CALLERROR to the CALL in flight": {
        "Open": "Report",
        "Open (busy)": "Settle, SendText",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Closing | Closed": "ignored",
    },
    "TextReceived: an answer to no CALL": {
        "Open | Open (busy) | Draining": "Report",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a CALLRESULTERROR": {
        "Open | Open (busy) | Draining": "Report",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a SEND": {
        "Open | Open (busy) | Draining": "Dispatch",
        "Closing | Closed": "ignored",
    },
    "TextReceived: of an unknown message type": {
        "Open | Open (busy) | Draining": "Report",
        "Closing | Closed": "ignored",
    },
    "TextReceived: no message": {
        "Open | Open (busy) | Draining": "SendText, Report",
        "Closing | Closed": "ignored",
    },
    "TextReceived: no message, the last one of max_bad_messages": {
        "Open": "SendText, Report, → Closing, CloseTransport",
        "Open (busy)": "SendText, Report, Settle, Settle, Abandon, → Closing, CloseTransport",
        "Draining": "SendText, Report, Settle, Abandon, → Closing, CloseTransport",
        "Closing | Closed": "ignored",
    },
    "TextReceived: empty": {"any": "ignored"},
    "BinaryReceived": {
        "Open | Open (busy) | Draining": "Report",
        "Closing | Closed": "ignored",
    },
    "TransportLost": {
        "Open | Closing": "→ Closed",
        "Open (busy)": "Settle, Settle, Abandon, → Closed",
        "Draining": "Settle, Abandon, → Closed",
        "Closed": "ignored",
    },
    "Congested: on": {"any": "noted"},
    "Congested: off": {"any": "ignored"},
    "Tick: early": {"any": "ignored"},
    "Tick: past `until`": {
        "Open | Open (busy) | Closed": "ignored",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Closing": "CloseTransport, → Closed",
    },
    "Tick: past the time-out of the CALL": {
        "Open | Closed": "ignored",
        "Open (busy)": "Settle, SendText",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Closing": "CloseTransport, → Closed",
    },
    "StartCall": {
        "Open": "SendText",
        "Open (busy)": "noted",
        "Draining | Closing | Closed": "Settle",
    },
    "StartCall: with the id of the CALL in flight": {
        "Open": "SendText",
        "Open (busy)": "misuse",
        "Draining | Closing | Closed": "Settle",
    },
    "StartCall: meant for another version": {
        "Open | Open (busy)": "misuse",
        "Draining | Closing | Closed": "Settle",
    },
    "StartCall: a payload that is no JSON object": {"any": "misuse"},
    "CancelCall: the CALL in flight": {
        "Open | Closing | Closed": "ignored",
        "Open (busy)": "Settle",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
    },
    "CancelCall: a call that waits": {
        "Open | Draining | Closing | Closed": "ignored",
        "Open (busy)": "Settle",
    },
    "CancelCall: a settled or unknown token": {"any": "ignored"},
    "Notify": {
        "Open | Open (busy)": "SendText, Settle",
        "Draining | Closing | Closed": "Settle",
    },
    "Notify: an action that is no SEND": {"any": "misuse"},
    "Reply": {
        "Open | Closing | Closed": "ignored",
        "Open (busy) | Draining": "SendText",
    },
    "Reply: a payload that is no JSON object": {
        "Open | Closing | Closed": "ignored",
        "Open (busy) | Draining": "Report, SendText",
    },
    "Reply: an unknown or answered request": {"any": "ignored"},
    "Fail": {
        "Open | Closing | Closed": "ignored",
        "Open (busy) | Draining": "SendText",
    },
    "Fail: an unknown or answered request": {"any": "ignored"},
    "Decline": {
        "Open | Closing | Closed": "ignored",
        "Open (busy) | Draining": "noted",
    },
    "Decline: an unknown or answered request": {"any": "ignored"},
    "RefuseResult": {
        "Open | Open (busy) | Draining": "SendText",
        "Closing | Closed": "ignored",
    },
    "RefuseResult: details that are no JSON": {"any": "misuse"},
    "SendRaw": {
        "Open | Open (busy) | Draining": "SendText",
        "Closing | Closed": "Report",
    },
    "SendRaw: with a token, a CALL": {
        "Open": "SendText",
        "Open (busy)": "noted",
        "Draining | Closing | Closed": "Settle",
    },
    "SendRaw: with a token, no CALL": {"any": "misuse"},
    "Close": {
        "Open": "→ Closing, CloseTransport",
        "Open (busy)": "Settle, → Draining",
        "Draining | Closing | Closed": "ignored",
    },
    "Close: drain=False": {
        "Open": "→ Closing, CloseTransport",
        "Open (busy)": "Settle, Settle, Abandon, → Closing, CloseTransport",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Closing | Closed": "ignored",
    },
    "Close: force=True": {
        "Open": "→ Closing, CloseTransport",
        "Open (busy)": "Settle, Settle, Abandon, → Closing, CloseTransport",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Closing": "CloseTransport",
        "Closed": "ignored",
    },
    "Reconfigure: a SessionConfig with a wider window": {
        "Open | Draining | Closing | Closed": "noted",
        "Open (busy)": "SendText",
    },
    "Reconfigure: the config of another layer": {"any": "misuse"},
}
