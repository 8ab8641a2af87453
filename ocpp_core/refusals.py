"""What a server says in the body of a refusal: enough of it for a technician, cleaned for a log.

Sources: RFC 9112 §6.3 and §7.1 (where a body ends), RFC 9110 §8.4 (content coding).
"""

import binascii
import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import unquote, unquote_plus

from .websocket.headers import WITHOUT_BODY

__all__ = ["BODY_LIMIT", "body_is_whole", "read_refusal", "secrets_in"]

BODY_LIMIT: Final = 2048
"""Bytes of the body that are looked at, its framing included."""

_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[^\n]{0,64}\n")
_TAG: Final = re.compile(r"<[^<>]*>")
_SECRET: Final = re.compile("auth|cookie|jwt|key|pass|pwd|secret|sig|token", re.IGNORECASE)
_SHORTEST_SECRET: Final = 4

Headers = Sequence[tuple[str, str]]


def body_is_whole(status: int, headers: Headers, body: bytes) -> bool:
    """Return True if there is no more of a body than this, or no more that is looked at.

    Without Content-Length and chunks, only the end of the stream tells.
    """
    return status in WITHOUT_BODY or len(body) >= BODY_LIMIT or _content(headers, body)[1]


def read_refusal(headers: Headers, body: bytes, secrets: Iterable[str] = ()) -> str:
    """Return the text of a body as far as it is here, without the tags of HTML and the station's own secrets.

    Empty for a compressed body. The text is not yet fit for a log: `UnexpectedHttpResponse` makes it so.
    """
    if _value(headers, "content-encoding"):
        return ""
    is_cut = len(body) >= BODY_LIMIT
    text = _content(headers, body)[0].decode(errors="replace")
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
        if is_cut:  # in the midst of the secret, perhaps
            text = text[: -len(secret)]
    return _TAG.sub(" ", text) if "html" in _value(headers, "content-type").lower() else text


def secrets_in(headers: Headers, target: str = "") -> tuple[str, ...]:
    """Return what must not come back in a text: the credentials of a request, as sent and as they are meant.

    They are in header fields and in the query of the request target.
    """
    tokens = [value.rpartition(" ")[2] for name, value in headers if _SECRET.search(name)]
    secrets = (*tokens, *map(_password, tokens), *_secrets_in_query(target))
    return tuple(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)


def _secrets_in_query(target: str) -> set[str]:
    """Find the values of secret parameters, encoded and decoded: a server may repeat either."""
    pairs = [parameter.partition("=") for parameter in target.partition("?")[2].split("&")]
    values = [value for name, _, value in pairs if _SECRET.search(unquote(name))]
    return {*values, *map(unquote_plus, values)}


def _password(token: str) -> str:
    try:
        return binascii.a2b_base64(token).partition(b":")[2].decode()
    except ValueError:
        return ""


def _value(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


def _content(headers: Headers, body: bytes) -> tuple[bytes, bool]:
    """Take off the framing; say whether the body is all here."""
    if _value(headers, "transfer-encoding"):
        return _unchunked(body)
    length = _value(headers, "content-length")
    if not length:
        return body, False
    size = int(length) if len(length) < 9 else BODY_LIMIT
    return body[:size], len(body) >= size


def _unchunked(body: bytes) -> tuple[bytes, bool]:
    """Join the chunks of a body that may be cut off anywhere; the trailers behind the last one are not awaited."""
    content = b""
    while (chunk := _CHUNK.match(body)) is not None:
        end = chunk.end() + int(chunk[1], 16)
        if end == chunk.end():
            return content, True
        content += body[chunk.end() : end]
        body = body[end:].removeprefix(b"\r").removeprefix(b"\n")
    return content, False
