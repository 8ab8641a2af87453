"""The outcomes of a `Session`. The package's docstring explains the notation."""

from collections.abc import Mapping
from typing import Final

__all__ = ["SITUATIONS", "TABLE"]

SITUATIONS: Final[Mapping[str, str]] = {
    "Open": "no call and no request is outstanding",
    "Open (busy)": "a CALL is in flight, another call waits for the window, a request from the peer is open",
    "Open (full)": "a request from the peer is open, and the queue behind it is full",
    "Draining": "draining before the close: a CALL is in flight and a request from the peer is open",
    "Draining (handling)": "draining before the close: only a request from the peer is open",
    "Closing": "`CloseTransport` was emitted",
    "Closed": "the transport is lost or closed",
}
TABLE: Final[Mapping[str, Mapping[str, str]]] = {
    "TextReceived: a CALL": {
        "Open | Open (busy) | Draining | Draining (handling)": "Dispatch",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TextReceived: another CALL with the id of an open one": {
        "Open": "Dispatch",
        "Open (busy) | Draining | Draining (handling)": "Report, SendText",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a copy of an open CALL": {
        "Open": "Dispatch",
        "Open (busy) | Draining | Draining (handling)": "Report",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a CALLRESULT to the CALL in flight": {
        "Open | Draining (handling)": "Report",
        "Open (busy)": "Settle, SendText",
        "Open (full)": "noted",
        "Draining": "Settle",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a CALLERROR to the CALL in flight": {
        "Open | Draining (handling)": "Report",
        "Open (busy)": "Settle, SendText",
        "Open (full)": "noted",
        "Draining": "Settle",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a response without a CALL": {
        "Open | Open (busy) | Draining | Draining (handling)": "Report",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a CALLRESULTERROR": {
        "Open | Open (busy) | Draining | Draining (handling)": "Report",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TextReceived: a SEND": {
        "Open | Open (busy) | Draining | Draining (handling)": "Dispatch",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TextReceived: of an unknown message type": {
        "Open | Open (busy) | Draining | Draining (handling)": "Report",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TextReceived: not a message": {
        "Open | Open (busy) | Draining | Draining (handling)": "SendText, Report",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TextReceived: not a message, the last one of max_bad_messages": {
        "Open": "SendText, Report, → Closing, CloseTransport",
        "Open (busy)": "SendText, Report, Settle, Settle, Abandon, → Closing, CloseTransport",
        "Open (full)": "noted",
        "Draining": "SendText, Report, Settle, Abandon, → Closing, CloseTransport",
        "Draining (handling)": "SendText, Report, Abandon, → Closing, CloseTransport",
        "Closing | Closed": "ignored",
    },
    "TextReceived: empty": {
        "Open | Open (busy) | Draining | Draining (handling) | Closing | Closed": "ignored",
        "Open (full)": "noted",
    },
    "BinaryReceived": {
        "Open | Open (busy) | Draining | Draining (handling)": "Report",
        "Open (full)": "noted",
        "Closing | Closed": "ignored",
    },
    "TransportLost": {
        "Open | Closing": "→ Closed",
        "Open (busy)": "Settle, Settle, Abandon, → Closed",
        "Open (full)": "Abandon, Report, Reading, → Closed",
        "Draining": "Settle, Abandon, → Closed",
        "Draining (handling)": "Abandon, → Closed",
        "Closed": "ignored",
    },
    "Congested: on": {"any": "noted"},
    "Congested: off": {"any": "ignored"},
    "Tick: early": {"any": "ignored"},
    "Tick: past `until`": {
        "Open | Open (busy) | Open (full) | Closed": "ignored",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Draining (handling)": "Abandon, → Closing, CloseTransport",
        "Closing": "CloseTransport, → Closed",
    },
    "Tick: past the timeout of the CALL": {
        "Open | Open (full) | Closed": "ignored",
        "Open (busy)": "Settle, SendText",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Draining (handling)": "Abandon, → Closing, CloseTransport",
        "Closing": "CloseTransport, → Closed",
    },
    "StartCall": {
        "Open | Open (full)": "SendText",
        "Open (busy)": "noted",
        "Draining | Draining (handling) | Closing | Closed": "Settle",
    },
    "StartCall: with the id of the CALL in flight": {
        "Open | Open (full)": "SendText",
        "Open (busy)": "misuse",
        "Draining | Draining (handling) | Closing | Closed": "Settle",
    },
    "StartCall: meant for another version": {
        "Open | Open (busy) | Open (full)": "misuse",
        "Draining | Draining (handling) | Closing | Closed": "Settle",
    },
    "StartCall: a payload that is not a JSON object": {"any": "misuse"},
    "CancelCall: the CALL in flight": {
        "Open | Open (full) | Draining (handling) | Closing | Closed": "ignored",
        "Open (busy)": "Settle",
        "Draining": "Settle",
    },
    "CancelCall: a call that waits": {
        "Open | Open (full) | Draining | Draining (handling) | Closing | Closed": "ignored",
        "Open (busy)": "Settle",
    },
    "CancelCall: a settled or unknown token": {"any": "ignored"},
    "Notify": {
        "Open | Open (busy) | Open (full)": "SendText, Settle",
        "Draining | Draining (handling) | Closing | Closed": "Settle",
    },
    "Notify: an action that is not a SEND": {"any": "misuse"},
    "Reply": {
        "Open | Closing | Closed": "ignored",
        "Open (busy) | Draining": "SendText",
        "Draining (handling)": "SendText, → Closing, CloseTransport",
        "Open (full)": "SendText, Dispatch, Reading",
    },
    "Reply: a payload that is not a JSON object": {
        "Open | Closing | Closed": "ignored",
        "Open (busy) | Draining": "Report, SendText",
        "Draining (handling)": "Report, SendText, → Closing, CloseTransport",
        "Open (full)": "Report, SendText, Dispatch, Reading",
    },
    "Reply: an unknown or answered request": {"any": "ignored"},
    "Fail": {
        "Open | Closing | Closed": "ignored",
        "Open (busy) | Draining": "SendText",
        "Draining (handling)": "SendText, → Closing, CloseTransport",
        "Open (full)": "SendText, Dispatch, Reading",
    },
    "Fail: an unknown or answered request": {"any": "ignored"},
    "Decline": {
        "Open | Closing | Closed": "ignored",
        "Open (busy) | Draining": "noted",
        "Draining (handling)": "Abandon, → Closing, CloseTransport",
        "Open (full)": "Dispatch, Reading",
    },
    "Decline: an unknown or answered request": {"any": "ignored"},
    "RefuseResult": {
        "Open | Open (busy) | Open (full) | Draining | Draining (handling)": "SendText",
        "Closing | Closed": "ignored",
    },
    "RefuseResult: details that are not JSON": {"any": "misuse"},
    "SendRaw": {
        "Open | Open (busy) | Open (full) | Draining | Draining (handling)": "SendText",
        "Closing | Closed": "Report",
    },
    "SendRaw: with a token, a CALL": {
        "Open | Open (full)": "SendText",
        "Open (busy)": "noted",
        "Draining | Draining (handling) | Closing | Closed": "Settle",
    },
    "SendRaw: with a token, not a CALL": {"any": "misuse"},
    "Close": {
        "Open": "→ Closing, CloseTransport",
        "Open (busy)": "Settle, → Draining",
        "Open (full)": "→ Draining",
        "Draining | Draining (handling) | Closing | Closed": "ignored",
    },
    "Close: drain=False": {
        "Open": "→ Closing, CloseTransport",
        "Open (busy)": "Settle, Settle, Abandon, → Closing, CloseTransport",
        "Open (full)": "Abandon, Report, Reading, → Closing, CloseTransport",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Draining (handling)": "Abandon, → Closing, CloseTransport",
        "Closing | Closed": "ignored",
    },
    "Close: force=True": {
        "Open": "→ Closing, CloseTransport",
        "Open (busy)": "Settle, Settle, Abandon, → Closing, CloseTransport",
        "Open (full)": "Abandon, Report, Reading, → Closing, CloseTransport",
        "Draining": "Settle, Abandon, → Closing, CloseTransport",
        "Draining (handling)": "Abandon, → Closing, CloseTransport",
        "Closing": "CloseTransport",
        "Closed": "ignored",
    },
    "Reconfigure: a SessionConfig with a wider window": {
        "Open | Draining | Draining (handling) | Closing | Closed": "noted",
        "Open (busy)": "SendText",
        "Open (full)": "Dispatch, Reading",
    },
    "Reconfigure: the config of another layer": {"any": "misuse"},
    "Probe": {"any": "ignored"},
    "Register": {"any": "ignored"},
}
