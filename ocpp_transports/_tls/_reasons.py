"""The meaning of a failed TLS handshake, in words that help to repair it."""

import ssl
from collections.abc import Mapping
from typing import Final

__all__ = ["TLS_FAILED", "client_reason", "server_reason"]

TLS_FAILED: Final = "TLS handshake failed"
"""What failed, for `AcceptRules.failed`."""
_LEFT: Final = "the peer left during the TLS handshake"
_SILENT: Final = "the server ended the TLS handshake without an alert (wrong port, or no client certificate?)"
_SLOW: Final = "the TLS handshake took too long"

# By OpenSSL's names; for historical reasons the names of alerts begin with SSLV3_ALERT, TLSV1_ALERT or TLSV13_ALERT.
_SERVER: Final[Mapping[str, str]] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the station sent no client certificate",
    "CERTIFICATE_VERIFY_FAILED": "the station's certificate was refused",
    "UNSUPPORTED_PROTOCOL": "the station does not offer TLS 1.2 or later",
    "HTTP_REQUEST": "the station sent plain HTTP to a TLS port: it must use wss://",
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS",
    "NO_SHARED_CIPHER": "the station offers none of our cipher suites, or none for the key type of our certificate",
    "ALERT_UNKNOWN_CA": "the station does not trust the authority of our certificate",
    "ALERT_BAD_CERTIFICATE": "the station refuses our certificate",
    "ALERT_CERTIFICATE_EXPIRED": "the station considers our certificate expired: is its clock right?",
    "ALERT_CERTIFICATE_UNKNOWN": "the station refuses our certificate",
    "ALERT_PROTOCOL_VERSION": "the station refuses our version of TLS",
    "ALERT_HANDSHAKE_FAILURE": "the station refuses what we offer",
}
_CLIENT: Final[Mapping[str, str]] = {
    "ALERT_CERTIFICATE_REQUIRED": "the server demands a client certificate: TLSOptions(cert=…, key=…)",
    "ALERT_UNKNOWN_CA": "the server does not trust the authority of our client certificate",
    "ALERT_BAD_CERTIFICATE": "the server refuses our client certificate, or demands one",
    "ALERT_CERTIFICATE_EXPIRED": "the server considers our client certificate expired",
    "ALERT_CERTIFICATE_REVOKED": "the server considers our client certificate revoked",
    "ALERT_CERTIFICATE_UNKNOWN": "the server refuses our client certificate",
    "ALERT_HANDSHAKE_FAILURE": "the server refuses what we offer, or demands a client certificate",
    "ALERT_PROTOCOL_VERSION": "the server does not support TLS 1.2 or later",
    "UNSUPPORTED_PROTOCOL": "the server does not support TLS 1.2 or later",
    "WRONG_VERSION_NUMBER": "the server does not speak TLS on this port: is it ws://?",
    "HTTP_REQUEST": "the server does not speak TLS on this port: is it ws://?",
}


def server_reason(error: BaseException) -> str:
    """Return why a server's handshake failed: its meaning, and the text of TLS."""
    if isinstance(error, ssl.SSLError):
        return _explained(error, _SERVER)
    if isinstance(error, (TimeoutError, ConnectionAbortedError)):
        return _with_words(_SLOW, error)
    return _with_words(_LEFT, error)


def client_reason(error: BaseException) -> str | None:
    """Return why a server ended the handshake: its meaning, and the text of TLS; None if the error says more."""
    if _is_wordless(error) or _is_wordless(error.__cause__):  # of anyio's errors the cause is the informative one
        return _SILENT
    if isinstance(error, ssl.SSLCertVerificationError) or not isinstance(error, ssl.SSLError):
        return None
    return _explained(error, _CLIENT)


def _is_wordless(error: BaseException | None) -> bool:
    """Return True for a stream that ended without an alert; asyncio and uvloop report a reset without a text."""
    return isinstance(error, ssl.SSLEOFError) or (isinstance(error, ConnectionError) and not str(error))


def _with_words(text: str, error: BaseException) -> str:
    return f"{text} ({error})" if str(error) else text


def _explained(error: ssl.SSLError, meanings: Mapping[str, str]) -> str:
    if isinstance(error, ssl.SSLEOFError):
        return _LEFT
    words, reason = _words_of(error), _reason(error)
    meaning = next((text for name, text in meanings.items() if reason.endswith(name)), None)
    return words if meaning is None else f"{meaning} ({words})"


def _words_of(error: ssl.SSLError) -> str:
    """Return OpenSSL's own words; for a certificate those of its verification."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return _reason(error).replace("_", " ").lower() or str(error)


def _reason(error: ssl.SSLError) -> str:
    return getattr(error, "reason", None) or ""  # an error that OpenSSL did not raise has none
