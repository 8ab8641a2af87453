"""The outcomes of a `ServerLink` and a `ClientLink`. The package's docstring explains the notation.

A link does not report its phases. If an input changes the phase, the cell ends with the new one.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["CLIENT", "CLIENT_SITUATIONS", "SERVER", "SERVER_SITUATIONS"]

_OPEN: Final = {
    "Open": "messages are sent and received",
    "Open (pinged)": "a ping was sent and nothing has arrived since",
    "Closing": "the close frame was sent and the peer's is awaited",
    "Ending": "the peer's end of the stream is awaited, and bytes before it are discarded",
}
SERVER_SITUATIONS: Final[Mapping[str, str]] = {
    "Handshake": "no request is complete yet",
    "Handshake (GET)": "`HttpRequest` waits for `Respond`",
    "Handshake (upgrade)": "`UpgradeRequested` waits for `Accept` or `Reject`",
    **_OPEN,
    "Ended": "`CloseStream` was emitted",
    "Ended (early)": "the stream ended before the upgrade request was decided",
}
CLIENT_SITUATIONS: Final[Mapping[str, str]] = {
    "Handshake": "the upgrade request was sent and its response is awaited",
    "Handshake (refused)": "the response has another status than 101, and its body is awaited",
    **_OPEN,
    "Ended": "`CloseStream` was emitted",
}
SERVER: Final[Mapping[str, Mapping[str, str]]] = {
    "BytesReceived: an upgrade request": {
        "Handshake": "UpgradeRequested",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Handshake (upgrade)": "noted",
        "Open | Open (pinged)": "Report, SendBytes, → Ending",
        "Closing": "Report, → Ending",
    },
    "BytesReceived: a plain GET": {
        "Handshake": "HttpRequest",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Handshake (upgrade)": "noted",
        "Open | Open (pinged)": "Report, SendBytes, → Ending",
        "Closing": "Report, → Ending",
    },
    "BytesReceived: a request that is refused": {
        "Handshake | Open | Open (pinged)": "Report, SendBytes, → Ending",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Handshake (upgrade)": "noted",
        "Closing": "Report, → Ending",
    },
    "BytesReceived: half a request": {
        "Handshake | Handshake (upgrade)": "noted",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Open | Open (pinged)": "Report, SendBytes, → Ending",
        "Closing": "Report, → Ending",
    },
    "BytesReceived: a text message": {
        "Handshake | Handshake (upgrade)": "noted",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Open | Open (pinged) | Closing": "TextReceived",
    },
    "BytesReceived: a binary message": {
        "Handshake | Handshake (upgrade)": "noted",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Open | Open (pinged) | Closing": "BinaryReceived",
    },
    "BytesReceived: a ping": {
        "Handshake | Handshake (upgrade)": "noted",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Open | Open (pinged) | Closing": "Report, SendBytes",
    },
    "BytesReceived: a pong": {
        "Handshake | Handshake (upgrade)": "noted",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Open | Open (pinged) | Closing": "Report",
    },
    "BytesReceived: a close frame": {
        "Handshake | Handshake (upgrade)": "noted",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Open | Open (pinged)": "SendBytes, CloseStream, TransportLost, → Ended",
        "Closing": "CloseStream, TransportLost, → Ended",
    },
    "BytesReceived: half a frame": {
        "Handshake | Handshake (upgrade) | Open | Open (pinged) | Closing": "noted",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
    },
    "BytesReceived: not a frame": {
        "Handshake | Handshake (upgrade)": "noted",
        "Handshake (GET) | Ending | Ended | Ended (early)": "ignored",
        "Open | Open (pinged)": "Report, SendBytes, → Ending",
        "Closing": "Report, → Ending",
    },
    "BytesReceived: the end of the stream": {
        "Handshake | Handshake (upgrade)": "CloseStream, → Ended",
        "Handshake (GET)": "noted",
        "Open | Open (pinged) | Closing | Ending": "CloseStream, TransportLost, → Ended",
        "Ended | Ended (early)": "ignored",
    },
    "BytesReceived: of another attempt": {"any": "ignored"},
    "StreamLost": {
        "Handshake | Handshake (GET) | Handshake (upgrade)": "CloseStream, → Ended",
        "Open | Open (pinged) | Closing | Ending": "CloseStream, TransportLost, → Ended",
        "Ended | Ended (early)": "ignored",
    },
    "StreamLost: of another attempt": {"any": "ignored"},
    "Tick: early": {"any": "ignored"},
    "Tick: past handshake_timeout": {
        "Handshake | Handshake (GET) | Handshake (upgrade)": "Report, SendBytes, CloseStream, → Ended",
        "Open | Ended | Ended (early)": "ignored",
        "Open (pinged)": "Report, CloseStream, TransportLost, → Ended",
        "Closing | Ending": "CloseStream, TransportLost, → Ended",
    },
    "Tick: past ping_interval": {
        "Handshake | Handshake (GET) | Handshake (upgrade) | Closing | Ended | Ended (early)": "ignored",
        "Open | Open (pinged)": "SendBytes",
        "Ending": "CloseStream, TransportLost, → Ended",
    },
    "Tick: past pong_timeout": {
        "Handshake | Handshake (GET) | Handshake (upgrade) | Open | Ended | Ended (early)": "ignored",
        "Open (pinged)": "Report, CloseStream, TransportLost, → Ended",
        "Closing | Ending": "CloseStream, TransportLost, → Ended",
    },
    "Tick: past close_timeout": {
        "Handshake | Handshake (GET) | Handshake (upgrade) | Open | Open (pinged) | Ended | Ended (early)": "ignored",
        "Closing | Ending": "CloseStream, TransportLost, → Ended",
    },
    "Congested: on": {
        "Handshake | Handshake (GET) | Handshake (upgrade) | Open | Open (pinged) | Closing | Ending | Ended": "noted",
        "Ended (early)": "ignored",
    },
    "Congested: off": {"any": "ignored"},
    "Accept: an offered subprotocol": {
        "Handshake | Handshake (GET) | Open | Open (pinged) | Closing | Ending | Ended": "misuse",
        "Handshake (upgrade)": "SendBytes, TransportOpened, → Open",
        "Ended (early)": "ignored",
    },
    "Accept: a subprotocol that was not offered": {
        "Handshake | Handshake (GET) | Handshake (upgrade) | Open | Open (pinged) | Closing | Ending | Ended": "misuse",
        "Ended (early)": "ignored",
    },
    "Reject": {
        "Handshake | Handshake (GET) | Open | Open (pinged) | Closing | Ending | Ended": "misuse",
        "Handshake (upgrade)": "SendBytes, CloseStream, → Ended",
        "Ended (early)": "ignored",
    },
    "Reject: a status that is not an error": {
        "Handshake | Handshake (GET) | Handshake (upgrade) | Open | Open (pinged) | Closing | Ending | Ended": "misuse",
        "Ended (early)": "ignored",
    },
    "Respond": {
        "Handshake | Handshake (upgrade) | Open | Open (pinged) | Closing | Ending | Ended": "misuse",
        "Handshake (GET)": "SendBytes, CloseStream, → Ended",
        "Ended (early)": "ignored",
    },
    "Respond: a status that is not final": {
        "Handshake | Handshake (GET) | Handshake (upgrade) | Open | Open (pinged) | Closing | Ending | Ended": "misuse",
        "Ended (early)": "ignored",
    },
    "SendMessage: a text": {
        "Handshake | Handshake (GET) | Handshake (upgrade)": "misuse",
        "Open | Open (pinged)": "SendBytes",
        "Closing | Ending | Ended | Ended (early)": "ignored",
    },
    "SendMessage: bytes": {
        "Handshake | Handshake (GET) | Handshake (upgrade)": "misuse",
        "Open | Open (pinged)": "SendBytes",
        "Closing | Ending | Ended | Ended (early)": "ignored",
    },
    "SendMessage: a text with a lone surrogate": {"any": "misuse"},
    "SendMessage: neither text nor bytes": {"any": "misuse"},
    "CloseLink": {
        "Handshake": "CloseStream, → Ended",
        "Handshake (GET) | Handshake (upgrade)": "SendBytes, CloseStream, → Ended",
        "Open | Open (pinged)": "SendBytes, → Closing",
        "Closing | Ending | Ended | Ended (early)": "ignored",
    },
    "CloseLink: force=True": {
        "Handshake | Handshake (GET) | Handshake (upgrade)": "CloseStream, → Ended",
        "Open | Open (pinged) | Closing | Ending": "CloseStream, TransportLost, → Ended",
        "Ended | Ended (early)": "ignored",
    },
    "CloseLink: a code that must not be sent": {"any": "misuse"},
    "Reconfigure: a LinkConfig": {"any": "noted"},
    "Reconfigure: the config of another layer": {"any": "ignored"},
    "Probe": {
        "Handshake | Handshake (GET) | Handshake (upgrade)": "ignored",
        "Open": "SendBytes",
        "Open (pinged) | Closing | Ending | Ended | Ended (early)": "ignored",
    },
    "Probe: right after received bytes": {"any": "ignored"},
}
CLIENT: Final[Mapping[str, Mapping[str, str]]] = {
    "BytesReceived: the 101": {
        "Handshake": "TransportOpened, → Open",
        "Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Open (pinged)": "Report, SendBytes, CloseStream, TransportLost, → Ended",
        "Closing": "Report, CloseStream, TransportLost, → Ended",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: a 101 with a subprotocol that was not offered": {
        "Handshake": "Report, CloseStream, TransportFailed, → Ended",
        "Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Open (pinged)": "Report, SendBytes, CloseStream, TransportLost, → Ended",
        "Closing": "Report, CloseStream, TransportLost, → Ended",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: another status": {
        "Handshake | Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Open (pinged)": "Report, SendBytes, CloseStream, TransportLost, → Ended",
        "Closing": "Report, CloseStream, TransportLost, → Ended",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: another status whose body is to come": {
        "Handshake": "noted",
        "Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Open (pinged)": "Report, SendBytes, CloseStream, TransportLost, → Ended",
        "Closing": "Report, CloseStream, TransportLost, → Ended",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: half an answer": {
        "Handshake | Handshake (refused)": "noted",
        "Open | Open (pinged)": "Report, SendBytes, CloseStream, TransportLost, → Ended",
        "Closing": "Report, CloseStream, TransportLost, → Ended",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: a text message": {
        "Handshake": "Report, CloseStream, TransportFailed, → Ended",
        "Handshake (refused)": "noted",
        "Open | Open (pinged) | Closing": "TextReceived",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: a binary message": {
        "Handshake": "Report, CloseStream, TransportFailed, → Ended",
        "Handshake (refused)": "noted",
        "Open | Open (pinged) | Closing": "BinaryReceived",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: a ping": {
        "Handshake": "Report, CloseStream, TransportFailed, → Ended",
        "Handshake (refused)": "noted",
        "Open | Open (pinged) | Closing": "Report, SendBytes",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: a pong": {
        "Handshake": "Report, CloseStream, TransportFailed, → Ended",
        "Handshake (refused)": "noted",
        "Open | Open (pinged) | Closing": "Report",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: a close frame": {
        "Handshake": "Report, CloseStream, TransportFailed, → Ended",
        "Handshake (refused)": "noted",
        "Open | Open (pinged)": "SendBytes, CloseStream, TransportLost, → Ended",
        "Closing": "→ Ending",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: half a frame": {
        "Handshake": "Report, CloseStream, TransportFailed, → Ended",
        "Handshake (refused)": "noted",
        "Open | Open (pinged) | Closing": "noted",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: not a frame": {
        "Handshake": "Report, CloseStream, TransportFailed, → Ended",
        "Handshake (refused)": "noted",
        "Open | Open (pinged)": "Report, SendBytes, CloseStream, TransportLost, → Ended",
        "Closing": "Report, CloseStream, TransportLost, → Ended",
        "Ending | Ended": "ignored",
    },
    "BytesReceived: the end of the stream": {
        "Handshake | Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Open (pinged) | Closing | Ending": "CloseStream, TransportLost, → Ended",
        "Ended": "ignored",
    },
    "BytesReceived: of another attempt": {"any": "ignored"},
    "StreamLost": {
        "Handshake | Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Open (pinged) | Closing | Ending": "CloseStream, TransportLost, → Ended",
        "Ended": "ignored",
    },
    "StreamLost: of another attempt": {"any": "ignored"},
    "Tick: early": {"any": "ignored"},
    "Tick: past handshake_timeout": {
        "Handshake | Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Ended": "ignored",
        "Open (pinged)": "Report, CloseStream, TransportLost, → Ended",
        "Closing | Ending": "CloseStream, TransportLost, → Ended",
    },
    "Tick: past ping_interval": {
        "Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Handshake | Closing | Ending | Ended": "ignored",
        "Open | Open (pinged)": "SendBytes",
    },
    "Tick: past pong_timeout": {
        "Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Handshake | Open | Ended": "ignored",
        "Open (pinged)": "Report, CloseStream, TransportLost, → Ended",
        "Closing | Ending": "CloseStream, TransportLost, → Ended",
    },
    "Tick: past close_timeout": {
        "Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Handshake | Open | Open (pinged) | Ended": "ignored",
        "Closing | Ending": "CloseStream, TransportLost, → Ended",
    },
    "Congested: on": {"any": "noted"},
    "Congested: off": {"any": "ignored"},
    "Accept: an offered subprotocol": {"any": "misuse"},
    "Accept: a subprotocol that was not offered": {"any": "misuse"},
    "Reject": {"any": "misuse"},
    "Reject: a status that is not an error": {"any": "misuse"},
    "Respond": {"any": "misuse"},
    "Respond: a status that is not final": {"any": "misuse"},
    "SendMessage: a text": {
        "Handshake | Handshake (refused)": "misuse",
        "Open | Open (pinged)": "SendBytes",
        "Closing | Ending | Ended": "ignored",
    },
    "SendMessage: bytes": {
        "Handshake | Handshake (refused)": "misuse",
        "Open | Open (pinged)": "SendBytes",
        "Closing | Ending | Ended": "ignored",
    },
    "SendMessage: a text with a lone surrogate": {"any": "misuse"},
    "SendMessage: neither text nor bytes": {"any": "misuse"},
    "CloseLink": {
        "Handshake | Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Open (pinged)": "SendBytes, → Closing",
        "Closing | Ending | Ended": "ignored",
    },
    "CloseLink: force=True": {
        "Handshake | Handshake (refused)": "CloseStream, TransportFailed, → Ended",
        "Open | Open (pinged) | Closing | Ending": "CloseStream, TransportLost, → Ended",
        "Ended": "ignored",
    },
    "CloseLink: a code that must not be sent": {"any": "misuse"},
    "Reconfigure: a LinkConfig": {"any": "noted"},
    "Reconfigure: the config of another layer": {"any": "ignored"},
    "Probe": {
        "Handshake | Handshake (refused)": "ignored",
        "Open": "SendBytes",
        "Open (pinged) | Closing | Ending | Ended": "ignored",
    },
    "Probe: right after received bytes": {"any": "ignored"},
}
