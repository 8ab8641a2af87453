"""The heads of handshakes without their secrets: what the engine does not read is starred."""

from collections.abc import Callable, Iterable
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
_NAMELY: Final = pattern(r"(?<==)[^&;]+")
_SEGMENT: Final = pattern(r"%[0-9A-Fa-f]{2}|[^%]+|%")


def hidden_header(name: str, value: str) -> str:
    """Return the value of a field, starred unless the field is one that stays."""
    return (
        value if name.strip().lower() in _READ else "".join("*" if letter.isprintable() else letter for letter in value)
    )


def hidden_target(target: str, hide: Callable[[str], str]) -> str:
    """Return a request target whose last segment, the identity, and whose parameters are pseudonyms."""
    path, mark, query = target.partition("?")
    begin, slash, identity = path.rpartition("/")
    identity = "".join(piece if piece[0] == "%" else hide(piece) for piece in _SEGMENT.findall(identity))
    return f"{begin}{slash}{identity}{mark}{_NAMELY.sub(lambda value: hide(value[0]), query)}"


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
