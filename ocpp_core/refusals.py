"""The text in the body of a server's refusal, shortened and cleaned for a log.

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
"""Most bytes of the body that are read, its framing included."""

_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[^\n]{0,64}\n")
_TAG: Final = re.compile(r"<[^<>]*>")
_SECRET: Final = re.compile("auth|cookie|jwt|key|pass|pwd|secret|sig|token", re.IGNORECASE)
_SHORTEST_SECRET: Final = 4

Headers = Sequence[tuple[str, str]]


def body_is_whole(status: int, headers: Headers, body: bytes) -> bool:
    """Return True if the body is whole, or has `BODY_LIMIT` bytes.

    Without Content-Length and chunks, only the end of the stream ends the body.
    """
    return status in WITHOUT_BODY or len(body) >= BODY_LIMIT or _content(headers, body)[1]


def read_refusal(headers: Headers, body: bytes, secrets: Iterable[str] = ()) -> str:
    """Return the text of a partial or whole body, without HTML tags and the station's own secrets.

    Empty for a compressed body. The text is not yet safe for a log: `UnexpectedHttpResponse` cleans it.
    """
    if _value(headers, "content-encoding"):
        return ""
    is_cut = len(body) >= BODY_LIMIT
    text = _content(headers, body)[0].decode(errors="replace")
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
        if is_cut:  # perhaps within the secret
            text = text[: -len(secret)]
    return _TAG.sub(" ", text) if "html" in _value(headers, "content-type").lower() else text


def secrets_in(headers: Headers, target: str = "") -> tuple[str, ...]:
    """Return the credentials of a request, encoded and decoded, which must be redacted in a text.

    They are in header fields and in the query of the request target.
    """
    tokens = [value.rpartition(" ")[2] for name, value in headers if _SECRET.search(name)]
    secrets = (*tokens, *map(_password, tokens), *_secrets_in_query(target))
    return tuple(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)


def _secrets_in_query(target: str) -> set[str]:
    """Return the values of secret parameters, encoded and decoded: a server may repeat either."""
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
    """Return the body without its framing, and True if it is whole."""
    if _value(headers, "transfer-encoding"):
        return _unchunked(body)
    length = _value(headers, "content-length")
    if not length:
        return body, False
    size = int(length) if len(length) < 9 else BODY_LIMIT
    return body[:size], len(body) >= size


def _unchunked(body: bytes) -> tuple[bytes, bool]:
    """Return the joined chunks of a partial body, and True after the last chunk.

    Trailers are ignored.
    """
    content = b""
    while (chunk := _CHUNK.match(body)) is not None:
        end = chunk.end() + int(chunk[1], 16)
        if end == chunk.end():
            return content, True
        content += body[chunk.end() : end]
        body = body[end:].removeprefix(b"\r").removeprefix(b"\n")
    return content, False
