"""Header fields: their grammar and lists (RFC 9110 §5), and the rules for those of an upgrade."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

__all__ = [
    "BASIC_CHALLENGE",
    "HANDSHAKE_TIMEOUT",
    "OWN_IN_REQUEST",
    "OWN_IN_RESPONSE",
    "TCHARS",
    "WITHOUT_BODY",
    "elements",
    "expect_header",
    "expect_offered",
    "expect_refusal_status",
    "expect_response",
    "expect_subprotocols",
    "is_subprotocol_list",
    "is_token",
    "joined",
    "tokens",
    "with_length",
]

BASIC_CHALLENGE: Final = ("www-authenticate", 'Basic realm="ocpp", charset="UTF-8"')
"""The field that a 401 must have (RFC 9110 §15.5.2): user name and password in UTF-8 (RFC 7617 §2.1)."""

HANDSHAKE_TIMEOUT: Final = "handshake timeout"
"""The body of a 408, and the detail of its report."""

OWN_IN_REQUEST: Final = frozenset({"connection", "content-length", "host", "transfer-encoding", "upgrade"})
"""Fields of an upgrade request that the caller must not set; see `expect_header`."""
OWN_IN_RESPONSE: Final = frozenset({"connection", "content-length", "transfer-encoding"})
"""Fields of a response that define its end, which the caller must not set."""

WITHOUT_BODY: Final = frozenset({204, 304})
"""Statuses of responses that never have a body (RFC 9110 §15.3.5 and §15.4.5)."""

TCHARS: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""The pattern of a token, one `tchar` or more (RFC 9110 §5.6.2)."""
_TOKEN: Final = re.compile(TCHARS)
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def is_token(text: str) -> bool:
    """Return True if a text is a token (RFC 9110 §5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def expect_header(name: str, value: str, own: Collection[str]) -> None:
    """Raise ValueError for a field that the caller must not set.

    It would break the head block, or the handshake writes it: those in `own`, in lower case, and all that begin with
    Sec-WebSocket. The error does not show the value, which may be secret.
    """
    if not is_token(name) or not _VALUE.fullmatch(value):
        raise ValueError(f"expected a header name and a value without control characters, got {name!r}")
    lower = name.lower()
    if lower in own or lower.startswith("sec-websocket-"):
        raise ValueError(f"expected no {name} header: the handshake writes it")


def joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the fields by their names in lower case.

    The values of a repeated one are joined (RFC 9110 §5.3). A field that must not be repeated, such as Authorization,
    becomes unreadable if it is repeated.
    """
    fields: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}  # joined at the end: a peer may repeat one field thousands of times
    for name, value in headers:
        key = name if name.islower() else name.lower()  # a copy would cost memory for every station
        if key in fields:
            repeated.setdefault(key, [fields[key]]).append(value)
        else:
            fields[key] = value
    for key, values in repeated.items():
        fields[key] = ", ".join(values)
    return fields


def elements(value: str) -> list[str]:
    """Return the elements of a comma-separated value without empty ones (RFC 9110 §5.6.1.2)."""
    return [element for part in value.split(",") if (element := part.strip(" \t"))]


def tokens(value: str) -> set[str]:
    """Return the elements, in lower case, of a list of case-insensitive tokens, such as Connection."""
    return {element for part in value.lower().split(",") if (element := part.strip(" \t"))}


def is_subprotocol_list(names: Sequence[str]) -> bool:
    """Return True if an offer obeys RFC 6455 §4.1: distinct tokens."""
    return len(set(names)) == len(names) and all(map(_TOKEN.fullmatch, names))


def expect_subprotocols(names: Sequence[str]) -> None:
    """Raise TypeError for a str instead of a list, ValueError unless it has distinct tokens."""
    if isinstance(names, str):
        raise TypeError(f"expected protocols as a list of subprotocol names, got {names!r}")
    if not names or not all(isinstance(name, str) for name in names) or not is_subprotocol_list(names):
        raise ValueError(f"expected protocols as distinct subprotocol names, got {names!r}")


def expect_offered(subprotocol: str | None, offered: Sequence[str]) -> None:
    """Raise ValueError for a subprotocol that was not offered.

    None means no subprotocol.
    """
    if subprotocol is not None and subprotocol not in offered:
        raise ValueError(f"expected one of the offered subprotocols {tuple(offered)}, got {subprotocol!r}")


def expect_refusal_status(status: int) -> None:
    """Raise ValueError for a status that cannot refuse an upgrade: anything but 400 to 599."""
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
        raise ValueError(f"expected a status of 400 to 599, got {status!r}")


def expect_response(status: int, body: bytes) -> None:
    """Raise ValueError unless the status is 200 to 599, and for a body with 204 or 304."""
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError(f"expected a status of 200 to 599, got {status!r}")
    if body and status in WITHOUT_BODY:
        raise ValueError(f"expected no body with status {status}")


def with_length(status: int, headers: Sequence[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a response with its Content-Length and by default plain text as Content-Type."""
    if status in WITHOUT_BODY:
        return list(headers)
    has_kind = any(name.lower() == "content-type" for name, _ in headers)
    kind = [] if has_kind else [("content-type", "text/plain; charset=utf-8")]
    return [*headers, *kind, ("content-length", str(len(body)))]
