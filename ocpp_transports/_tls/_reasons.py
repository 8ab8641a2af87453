"""What a failed TLS handshake means, in the words of who has to mend it."""

import ssl
from collections.abc import Mapping
from typing import Final

__all__ = ["client_reason", "server_reason"]

_LEFT: Final = "the peer left during the TLS handshake"
_SILENT: Final = "the server ended the TLS handshake without a word (wrong port, or no client certificate?)"
_SLOW: Final = "the TLS handshake took too long"

# By what OpenSSL calls it; the names of alerts begin with SSLV3_ALERT, TLSV1_ALERT or TLSV13_ALERT for old reasons.
_SERVER: Final[Mapping[str, str]] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the station sent no client certificate",
    "CERTIFICATE_VERIFY_FAILED": "the station's certificate was refused",
    "UNSUPPORTED_PROTOCOL": "the station offers no version of TLS from 1.2 on",
    "HTTP_REQUEST": "the station sent plain HTTP to a TLS port: it has to use wss://",
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS",
    "NO_SHARED_CIPHER": "the station offers no cipher suite of ours, or none for the kind of key of our certificate",
    "ALERT_UNKNOWN_CA": "the station does not trust the authority of our certificate",
    "ALERT_BAD_CERTIFICATE": "the station refuses our certificate",
    "ALERT_CERTIFICATE_EXPIRED": "the station takes our certificate for expired: is its clock right?",
    "ALERT_CERTIFICATE_UNKNOWN": "the station refuses our certificate",
    "ALERT_PROTOCOL_VERSION": "the station refuses our version of TLS",
    "ALERT_HANDSHAKE_FAILURE": "the station refuses what we offer",
}
_CLIENT: Final[Mapping[str, str]] = {
    "ALERT_CERTIFICATE_REQUIRED": "the server demands a client certificate: TLSOptions(cert=…, key=…)",
    "ALERT_UNKNOWN_CA": "the server does not trust the authority of our client certificate",
    "ALERT_BAD_CERTIFICATE": "the server refuses our client certificate, or demands one",
    "ALERT_CERTIFICATE_EXPIRED": "the server takes our client certificate for expired",
    "ALERT_CERTIFICATE_REVOKED": "the server takes our client certificate for revoked",
    "ALERT_CERTIFICATE_UNKNOWN": "the server refuses our client certificate",
    "ALERT_HANDSHAKE_FAILURE": "the server refuses what we offer, or demands a client certificate",
    "ALERT_PROTOCOL_VERSION": "the server speaks no version of TLS from 1.2 on",
    "UNSUPPORTED_PROTOCOL": "the server speaks no version of TLS from 1.2 on",
    "WRONG_VERSION_NUMBER": "the server does not speak TLS on this port: is it ws://?",
    "HTTP_REQUEST": "the server does not speak TLS on this port: is it ws://?",
}


def server_reason(error: BaseException) -> str:
    """Say why a server's handshake failed: what it means, and what TLS said."""
    if isinstance(error, ssl.SSLError):
        return _explained(error, _SERVER)
    if isinstance(error, (TimeoutError, ConnectionAbortedError)):
        return _with_words(_SLOW, error)
    return _with_words(_LEFT, error)


def client_reason(error: BaseException) -> str | None:
    """Say why a server broke off: what it means, and what TLS said; None where the error itself says it better."""
    if _is_wordless(error) or _is_wordless(error.__cause__):  # that of anyio's errors is the telling one
        return _SILENT
    if isinstance(error, ssl.SSLCertVerificationError) or not isinstance(error, ssl.SSLError):
        return None
    return _explained(error, _CLIENT)


def _is_wordless(error: BaseException | None) -> bool:
    """Whether a stream ended in a handshake without an alert: asyncio and uvloop make a reset without a text of it."""
    return isinstance(error, ssl.SSLEOFError) or (isinstance(error, ConnectionError) and not str(error))


def _with_words(text: str, error: BaseException) -> str:
    return f"{text} ({error})" if str(error) else text


def _explained(error: ssl.SSLError, meanings: Mapping[str, str]) -> str:
    if isinstance(error, ssl.SSLEOFError):
        return _LEFT
    told, reason = _told(error), _reason(error)
    meaning = next((text for name, text in meanings.items() if reason.endswith(name)), None)
    return told if meaning is None else f"{meaning} ({told})"


def _told(error: ssl.SSLError) -> str:
    """Return OpenSSL's own words, of a certificate those of its verification."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return _reason(error).replace("_", " ").lower() or str(error)


def _reason(error: ssl.SSLError) -> str:
    return getattr(error, "reason", None) or ""  # one that OpenSSL did not raise has none
