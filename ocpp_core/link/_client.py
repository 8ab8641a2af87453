"""The client's side of the handshake (RFC 6455 §4.1)."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Final

from ocpp_core.actions import ReportKind, SendBytes
from ocpp_core.config import LinkConfig
from ocpp_core.errors import ConnectionFailedError, UnexpectedHttpResponse, WebsocketUpgradeError
from ocpp_core.inputs import Accept, CloseLink, Reject, Respond, TransportFailed
from ocpp_core.refusals import BODY_LIMIT, body_is_whole, read_refusal, secrets_in
from ocpp_core.timers import coarse
from ocpp_core.websocket.headers import OWN_IN_REQUEST, WITHOUT_BODY, expect_header, expect_subprotocols, joined, tokens

from ._base import LinkBase
from ._deflate import Deflate, offer, read_answer
from ._http import (
    HeadTooLargeError,
    ResponseHead,
    accept_key,
    head,
    read_extensions,
    read_response,
)

__all__ = ["ClientLink"]

_TLS_ALERT: Final = b"\x15\x03"
"""First bytes of a TLS server's response to plain HTTP: an alert (RFC 8446 §5.1, content type 21), version 3.x."""
_SPEAKS_TLS: Final = "the server speaks TLS on this port: use wss://"
_TARGET: Final = re.compile(r"/[\x21-\x7e]*")
_BODY_TIMEOUT: Final = 1.0
"""Seconds to wait for the body of a refusal, which may never end."""
_HOST: Final = re.compile(r"[\x21-\x7e]+")


def expect_request(
    host: str, target: str, subprotocols: Sequence[str] = (), headers: Iterable[tuple[str, str]] = ()
) -> None:
    """Raise the errors of `ClientLink` for data that an upgrade request must not contain.

    Args:
        host: The value of the Host header.
        target: The path and query.
        subprotocols: The offer, in order of preference.
        headers: Further header fields.

    Raises:
        ValueError: One of them must not be in a request.
        TypeError: The list of subprotocols is a text.
    """
    if not _HOST.fullmatch(host) or not _TARGET.fullmatch(target):
        raise ValueError(f"expected a host and a target that starts with '/', in ASCII, got {host!r} and {target!r}")
    if subprotocols:
        expect_subprotocols(subprotocols)
    for name, value in headers:
        expect_header(name, value, OWN_IN_REQUEST)


class ClientLink(LinkBase):
    """The client's end of one stream; the first `poll` returns the upgrade request.

    The handshake ends with `TransportOpened` or `TransportFailed`, at most `handshake_timeout` seconds after `now`.

    Args:
        config: The settings.
        host: The value of the Host header.
        target: The path and query.
        subprotocols: The offer, in order of preference.
        headers: Further header fields.
        attempt: The number that `TransportOpened` and `TransportFailed` repeat.
        random: Makes the nonce, the masking keys and the jitter of pings. RFC 6455 §10.3 requires unpredictable masking
            keys: pass `random.SystemRandom()`, or a source seeded from it, unless the stream is encrypted.
        now: The time, in the host's monotonic seconds.

    Raises:
        ValueError: The host, the target, a subprotocol or a header must not be in a request.
        TypeError: The list of subprotocols is a text.
    """

    __slots__ = ("_compression", "_key", "_refusal", "_room", "_secrets", "_subprotocols")

    def __init__(
        self,
        config: LinkConfig,
        *,
        host: str,
        target: str,
        subprotocols: Sequence[str],
        headers: Sequence[tuple[str, str]] = (),
        attempt: int = 0,
        random: Random,
        now: float,
    ) -> None:
        super().__init__(config, client=True, attempt=attempt, random=random, now=now)
        expect_request(host, target, subprotocols, headers)
        self._subprotocols = tuple(subprotocols)
        self._key = b64encode(random.randbytes(16)).decode()
        self._room = config.max_header_size
        self._compression = config.compression
        self._refusal: ResponseHead | None = None
        self._secrets = secrets_in(headers, target)
        self._actions.append(SendBytes(self._request(host, target, headers)))

    def _request(self, host: str, target: str, headers: Sequence[tuple[str, str]]) -> bytes:
        fields = [
            ("Host", host),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", self._key),
            ("Sec-WebSocket-Version", "13"),
            *headers,
        ]
        if self._subprotocols:
            fields.append(("Sec-WebSocket-Protocol", ", ".join(self._subprotocols)))
        if self._compression is not None:
            fields.append(("Sec-WebSocket-Extensions", offer(self._compression)))
        return head(f"GET {target} HTTP/1.1", fields)

    def _advance_handshake(self) -> bool:
        if self._refusal is not None:
            return self._await_body(self._refusal)
        start = bytes(self._head.data[:5])
        if start[:2] == _TLS_ALERT:
            return self._garbage(_SPEAKS_TLS)
        if start != b"HTTP/"[: len(start)] and (start != _TLS_ALERT[:1] or self._eof):
            return self._garbage("the server does not speak HTTP/1.1")
        try:
            block = self._head.take(self._room)
        except HeadTooLargeError:
            return self._garbage(f"the response header block exceeds {self._config.max_header_size} bytes")
        if block is not None:
            self._room -= len(block)
            return self._read(read_response(block))
        if self._eof:
            self._fail_attempt(ConnectionFailedError("the server ended the stream during the handshake" + self._why()))
        return self._eof

    def _why(self) -> str:
        """Return the likely reason if the server sent nothing: this layer does not see TLS alerts."""
        is_silent = not self._head.data and self._room == self._config.max_header_size
        return " without a response (wrong port or scheme, or no client certificate?)" if is_silent else ""

    def _read(self, answer: ResponseHead | None) -> bool:
        if answer is None:
            return self._garbage("malformed HTTP response")
        if answer.status == 101:
            self._upgrade(answer)
        elif answer.status >= 200:  # other 1xx only precede the response (RFC 9110 §15.2)
            self._refusal = answer
            self._until = min(self._until, coarse(self._now, _BODY_TIMEOUT))
        return True

    def _await_body(self, refusal: ResponseHead) -> bool:
        """Wait for the text of a refusal: the whole body, `BODY_LIMIT` bytes of it, or `_BODY_TIMEOUT`."""
        is_whole = self._eof or body_is_whole(refusal.status, refusal.headers, self._body)
        if is_whole:
            self._fail_refused(refusal)
        return is_whole

    @property
    def _body(self) -> bytes:
        return bytes(self._head.data[:BODY_LIMIT])

    def _fail_refused(self, refusal: ResponseHead) -> None:
        body = b"" if refusal.status in WITHOUT_BODY else self._body  # bytes after its head are not of this response
        text = read_refusal(refusal.headers, body, self._secrets)
        error = UnexpectedHttpResponse(refusal.status, refusal.headers, text)
        self._fail_attempt(error, retry_after=error.retry_after)

    def _upgrade(self, answer: ResponseHead) -> None:
        fields = joined(answer.headers)
        try:
            self._check(fields)
            agreement = read_answer(read_extensions(fields.get("sec-websocket-extensions", "")), self._compression)
        except ValueError as wrong:
            self._report(ReportKind.PROTOCOL_ERROR, str(wrong))
            self._fail_attempt(WebsocketUpgradeError(str(wrong)), retry=False)
            return
        deflate = None if agreement is None or self._compression is None else Deflate(agreement, self._compression)
        self._open(fields.get("sec-websocket-protocol"), deflate)

    def _check(self, fields: Mapping[str, str]) -> None:
        """Check a 101 (RFC 6455 §4.1). Raises ValueError if it is invalid."""
        upgrade, connection = fields.get("upgrade", ""), fields.get("connection", "")
        if "websocket" not in tokens(upgrade) or "upgrade" not in tokens(connection):
            raise ValueError("the server answered 101 without upgrading to websocket")
        if fields.get("sec-websocket-accept") != accept_key(self._key):
            raise ValueError("the server sent a wrong Sec-WebSocket-Accept")
        chosen = fields.get("sec-websocket-protocol")
        if self._subprotocols and chosen is None:
            raise ValueError("the server sent no subprotocol")
        if chosen is not None and chosen not in self._subprotocols:
            raise ValueError("the server sent an invalid subprotocol")

    def _garbage(self, detail: str) -> bool:
        self._report(ReportKind.PROTOCOL_ERROR, detail)
        self._fail_attempt(ConnectionFailedError(detail))
        return True

    def _fail_attempt(self, error: Exception, *, retry: bool = True, retry_after: float = 0.0) -> None:
        self._end(TransportFailed(error, retry, self._attempt, retry_after), abort=True)

    def _handshake_timeout(self) -> None:
        if self._refusal is not None:
            self._fail_refused(self._refusal)
            return
        self._fail_attempt(ConnectionFailedError(f"no response within {self._config.handshake_timeout:.15g} s"))

    def answer(self, event: Accept | Reject | Respond, now: float) -> None:  # never valid for a client
        """Raise RuntimeError: only servers answer requests."""
        raise RuntimeError(f"cannot handle {type(event).__name__}: only servers answer requests")

    def _close_early(self, event: CloseLink) -> None:  # the code cannot be sent before the WebSocket is open
        self._fail_attempt(ConnectionFailedError("closed before the handshake was over"), retry=False)
