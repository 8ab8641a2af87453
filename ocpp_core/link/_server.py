"""The server's side of the handshake (RFC 6455 §4.2)."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import HttpRequest, ReportKind, SendBytes, UpgradeRequested
from ocpp_core.config import LinkConfig
from ocpp_core.inputs import Accept, CloseLink, Reject, Respond
from ocpp_core.websocket.headers import (
    BASIC_CHALLENGE,
    HANDSHAKE_TIMEOUT,
    OWN_IN_RESPONSE,
    elements,
    expect_offered,
    expect_refusal_status,
    expect_response,
    is_subprotocol_list,
    tokens,
)

from ._base import LinkBase
from ._deflate import Deflate, Extension, accept
from ._http import (
    HeadTooLargeError,
    RequestHead,
    accept_key,
    check_headers,
    head,
    read_extensions,
    read_request,
    response,
)
from ._phase import LINGER, Phase
from ._unfinished import Unfinished

__all__ = ["ServerLink"]

_OWN_IN_101: Final = OWN_IN_RESPONSE | {"upgrade"}
# RFC 9112 §2.2: one empty line before the request line is ignored. No method begins with a control character, but the
# first message of a TLS client does.
_NO_REQUEST: Final = re.compile(rb"(?:\r?\n)?+(?!\r\Z)[\x00-\x20]")


class _RefusalError(Exception):
    """The request gets this response immediately; the link catches it."""

    def __init__(self, status: int, body: str, *headers: tuple[str, str], linger: bool = False) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers
        self.linger = linger


@dataclass(frozen=True, slots=True)
class _Plain:
    """A plain request that waits for `Respond`."""

    linger: bool
    is_head: bool
    """True for HEAD, whose response has no body (RFC 9110 §9.3.2)."""


@dataclass(frozen=True, slots=True)
class _Upgrade:
    """An upgrade request that waits for `Accept` or `Reject`."""

    key: str
    subprotocols: Sequence[str]
    extensions: Sequence[Extension]


class ServerLink(LinkBase):
    """The server's end of one accepted stream.

    The host must answer `UpgradeRequested` with `Accept` or `Reject`, and `HttpRequest` with `Respond`, both at most
    `handshake_timeout` seconds after `now`. The link answers every other request itself.

    Args:
        config: The settings.
        random: Makes the jitter of pings.
        now: The time, in the host's monotonic seconds.
        unfinished: Counts the bytes of unfinished messages; all links of a server share it.
    """

    __slots__ = ("_decided", "_pending")

    def __init__(self, config: LinkConfig, *, random: Random, now: float, unfinished: Unfinished | None = None) -> None:
        super().__init__(config, client=False, attempt=0, random=random, now=now)
        self._unfinished = self._unfinished if unfinished is None else unfinished
        self._pending: _Plain | _Upgrade | None = None
        self._decided = False

    def _advance_handshake(self) -> bool:
        try:
            if self._pending is None:
                return self._read_head()
            return self._wait(self._pending)
        except _RefusalError as refusal:
            self._report(ReportKind.PROTOCOL_ERROR, refusal.body)
            self._finish(refusal.status, refusal.headers, refusal.body.encode(), linger=refusal.linger)
            return True

    def _read_head(self) -> bool:
        if _NO_REQUEST.match(self._head.data):
            raise _RefusalError(400, "malformed request", linger=True)
        try:
            block = self._head.take(self._config.max_header_size)
        except HeadTooLargeError:
            raise _RefusalError(431, "header block too large", linger=True) from None
        if block is not None:
            self._take_request(read_request(block.lstrip(b"\r\n")))
            return True
        if self._eof:
            if self._head.data:
                raise _RefusalError(400, "incomplete request")
            self._end(None)
        return self._eof

    def _take_request(self, request: RequestHead | None) -> None:
        if request is None:
            raise _RefusalError(400, "malformed request", linger=True)
        if not request.version.startswith("1."):
            raise _RefusalError(505, "expected HTTP/1.1", linger=True)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            raise _RefusalError(405, "expected GET or HEAD", ("Allow", "GET, HEAD"), linger=True)
        is_head = request.method == "HEAD"
        # Only a GET request can upgrade (RFC 6455 §4.1). OPTIONS is the default health check of HAProxy.
        if request.method != "GET" or "websocket" not in tokens(request.fields.get("upgrade", "")):
            self._pending = _Plain(linger=_has_body(request.fields), is_head=is_head)
            self._actions.append(HttpRequest(request.method, request.target, request.fields))
            return
        self._pending = upgrade = _read_upgrade(request, needs_connection=self._config.require_connection_header)
        self._actions.append(UpgradeRequested(request.target, request.fields, upgrade.subprotocols))

    def _wait(self, pending: _Plain | _Upgrade) -> bool:
        """Handle bytes and the end of the stream while the decision is pending."""
        if isinstance(pending, _Plain):
            self._head.clear()  # the response has `Connection: close`, so no request follows
            return False  # a peer that has ended its side may still read the response
        if len(self._head.data) > self._config.max_early_data:
            raise _RefusalError(400, "too much data before the handshake", linger=True)
        if self._eof:
            self._end(None)
        return self._eof

    def _break_off(self, attempt: int) -> None:
        """End a pending plain request as well: after a broken stream, the peer cannot read the response."""
        if isinstance(self._pending, _Plain) and attempt == self._attempt and self._phase is Phase.HANDSHAKE:
            self._end(None)
        else:
            super()._break_off(attempt)

    def answer(self, event: Accept | Reject | Respond, now: float) -> None:
        """Answer a request with the caller's decision, as `handle` does."""
        if now > self._now:
            self._now = now
        if self._decided:
            raise RuntimeError(f"cannot handle {type(event).__name__}: the request was answered already")
        if self._phase is not Phase.HANDSHAKE:
            return  # too late: the peer left, or the handshake timed out
        pending = self._pending
        if pending is None or isinstance(pending, _Plain) != isinstance(event, Respond):
            raise RuntimeError(f"cannot handle {type(event).__name__}: no such request is pending")
        if isinstance(event, Accept):
            assert isinstance(pending, _Upgrade)  # noqa: S101 - checked above, for the type checker
            self._accept(event, pending)
        elif isinstance(event, Reject):
            self._reject(event)
        else:
            self._respond(event, linger=isinstance(pending, _Plain) and pending.linger)
        self._decided, self._pending = True, None

    def _accept(self, event: Accept, upgrade: _Upgrade) -> None:
        expect_offered(event.subprotocol, upgrade.subprotocols)
        headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept_key(upgrade.key)),
        ]
        if event.headers:
            headers += check_headers(event.headers, _OWN_IN_101)
        if event.subprotocol is not None:
            headers.append(("Sec-WebSocket-Protocol", event.subprotocol))
        deflate = None
        compression = self._config.compression
        if compression is not None and (accepted := accept(upgrade.extensions, compression)) is not None:
            headers.append(("Sec-WebSocket-Extensions", accepted[0]))
            deflate = Deflate(accepted[1], compression)
        self._actions.append(SendBytes(head("HTTP/1.1 101 Switching Protocols", headers)))
        self._open(event.subprotocol, deflate)

    def _reject(self, event: Reject) -> None:
        expect_refusal_status(event.status)
        headers = check_headers(event.headers, OWN_IN_RESPONSE)
        if event.status == 401 and not any(name.lower() == "www-authenticate" for name, _ in headers):
            headers.append(BASIC_CHALLENGE)
        self._finish(event.status, headers, event.body.encode())

    def _respond(self, event: Respond, *, linger: bool) -> None:
        expect_response(event.status, event.body)
        self._finish(event.status, check_headers(event.headers, OWN_IN_RESPONSE), event.body, linger=linger)

    def _finish(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, *, linger: bool = False) -> None:
        """Send the response and end; `linger` if the peer may still be sending."""
        if status == 426 and not any(name.lower() == "upgrade" for name, _ in headers):
            headers = [("Upgrade", "websocket"), *headers]
        is_head = isinstance(self._pending, _Plain) and self._pending.is_head
        self._actions.append(SendBytes(response(status, headers, body, is_head=is_head)))
        if linger and not self._eof:
            self._await_end(None, min(LINGER, self._config.close_timeout))
        else:
            self._end(None)

    def _handshake_timeout(self) -> None:
        self._report(ReportKind.PROTOCOL_ERROR, HANDSHAKE_TIMEOUT)
        self._finish(408, (), HANDSHAKE_TIMEOUT.encode())

    def _close_early(self, event: CloseLink) -> None:
        if self._pending is None or event.force:
            self._end(None, abort=True)
        else:
            self._finish(503, (), b"closing")


def _has_body(fields: Mapping[str, str]) -> bool:
    return "transfer-encoding" in fields or fields.get("content-length", "0") != "0"


def _read_upgrade(request: RequestHead, *, needs_connection: bool) -> _Upgrade:
    """Check an upgrade request (RFC 6455 §4.2.1), first its HTTP version."""
    fields = request.fields
    if request.version == "1.0":
        raise _RefusalError(400, "expected HTTP/1.1")
    connection = tokens(fields.get("connection", ""))
    if "upgrade" not in connection and (connection or needs_connection):
        raise _RefusalError(400, "expected Connection: Upgrade")
    if fields.get("sec-websocket-version") != "13":
        raise _RefusalError(426, "expected Sec-WebSocket-Version: 13", ("Sec-WebSocket-Version", "13"))
    if _has_body(fields):
        raise _RefusalError(400, "expected no request body", linger=True)
    key = fields.get("sec-websocket-key", "")
    if not _is_key(key):
        raise _RefusalError(400, "bad Sec-WebSocket-Key")
    subprotocols = elements(fields.get("sec-websocket-protocol", ""))
    if not is_subprotocol_list(subprotocols):
        raise _RefusalError(400, "bad Sec-WebSocket-Protocol")
    return _Upgrade(key, tuple(subprotocols), _extensions(fields) if "sec-websocket-extensions" in fields else ())


def _extensions(fields: Mapping[str, str]) -> Sequence[Extension]:
    try:
        return read_extensions(fields["sec-websocket-extensions"])
    except ValueError:
        raise _RefusalError(400, "bad Sec-WebSocket-Extensions") from None


def _is_key(key: str) -> bool:
    """Return True if a key is the base64 of 16 bytes (RFC 6455 §4.1)."""
    try:
        return len(b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
