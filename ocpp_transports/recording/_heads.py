"""The heads of handshakes without their secrets: what the engine does not read is starred."""

from collections.abc import Callable, Iterable
from re import DOTALL
from re import compile as pattern
from typing import Final

__all__ = ["hidden_head", "hidden_header", "hidden_target"]

_READ: Final = frozenset(
    {
        "accept",
        "connection",
        "content-length",
        "expect",
        "host",
        "retry-after",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "server",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""The fields that stay: the engine or a reader needs them, and they hold no secret."""
_PARAMETER: Final = pattern(r"(?<==)[^&;]+|(?<![^&;])[^=&;]+(?=[&;]|\Z)")
"""The value of a parameter, or a parameter without a name."""
_BYTE: Final = pattern(r"%([0-9A-Fa-f]{2})|(.)", DOTALL)


def hidden_header(name: str, value: str) -> str:
    """Return the value of a field, starred unless the field is one that stays."""
    return (
        value if name.strip().lower() in _READ else "".join("*" if letter.isprintable() else letter for letter in value)
    )


def hidden_target(target: str, hide: Callable[[str], str]) -> str:
    """Return a request target whose last segment, the identity, and whose parameters are pseudonyms."""
    path, mark, query = target.partition("?")
    trimmed = path.rstrip("/")
    begin, slash, identity = trimmed.rpartition("/")
    parameters = _PARAMETER.sub(lambda value: _hidden_segment(value[0], hide), query)
    return f"{begin}{slash}{_hidden_segment(identity, hide)}{path[len(trimmed) :]}{mark}{parameters}"


def _hidden_segment(segment: str, hide: Callable[[str], str]) -> str:
    """Return a segment whose pseudonym is that of the decoded one, with the same bytes in percent-encoding."""
    encoded = [each[1] is not None for each in _BYTE.finditer(segment)]
    content = b"".join(
        bytes.fromhex(each[1]) if each[1] else each[2].encode("latin-1", "replace") for each in _BYTE.finditer(segment)
    )
    hidden = hide(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return "".join(
        f"%{byte:02X}" if is_encoded else chr(byte) for byte, is_encoded in zip(hidden, encoded, strict=True)
    )


def hidden_head(head: bytes, hide: Callable[[str], str]) -> bytes:
    """Return the head of a request or response, as long as before; `hide` is for the target of a request."""
    first, *fields = head.decode("latin-1").split("\r\n")
    return "\r\n".join(_lines(first, fields, hide)).encode("latin-1")


def _lines(first: str, fields: Iterable[str], hide: Callable[[str], str]) -> Iterable[str]:
    words = first.split(" ")
    if len(words) == 3 and not first.startswith("HTTP/"):
        words[1] = hide(words[1])
    yield " ".join(words)
    for line in fields:
        name, colon, value = line.partition(":")
        blank = value[: len(value) - len(value.lstrip())]
        yield f"{name}{colon}{blank}{hidden_header(name, value.lstrip())}" if colon else hidden_header("", line)
