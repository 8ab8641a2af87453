"""The session of a station as a JSON text, and the key under which only its principal finds it."""

from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

from ocpp_core._json import dumps, loads

__all__ = ["MAX_SESSION", "expect_shareable", "read_session", "session_key", "session_text"]

MAX_SESSION: Final = 16_384
"""Characters of the JSON text of a session; a larger one is not shared."""


def session_key(name: str, profile: int, whom: str) -> str:
    """Return the key of the session of a station and a principal, as 32 hexadecimal digits.

    Args:
        name: The name of the station in the registry.
        profile: The number of the security profile that it met.
        whom: The user name of its password, or the subject of its certificate.
    """
    text = f"{profile}\0{whom}\0{name}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def session_text(session: Mapping[str, Any]) -> str:
    """Return a session as a JSON object; empty for an empty session.

    Raises:
        TypeError: A value or a key would not be the same after it was read again.
        ValueError: The text has more than `MAX_SESSION` characters.
    """
    if not session:
        return ""
    text = _written(dict(session))
    if text is None:
        bad = next((key for key, value in session.items() if _written({key: value}) is None), None)
        raise TypeError(f"expected values in a shared session that JSON preserves, got another one for {bad!r}")
    if len(text) > MAX_SESSION:
        raise ValueError(f"expected a shared session of at most {MAX_SESSION} characters as JSON, got {len(text)}")
    return text


def _written(values: dict[str, Any]) -> str | None:
    """Return values as JSON; None if they would be others after they were read again."""
    try:
        text = dumps(values)
        return text if loads(text) == values else None
    except (TypeError, ValueError, RecursionError):
        return None


def expect_shareable(session: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError, as `session_text` does, if changed values make a session unfit to be shared."""
    session_text(changes)
    with suppress(TypeError):  # for a value that was there before
        session_text({**session, **changes})


def read_session(text: str) -> dict[str, Any]:
    """Return the values of a session. Raises ValueError unless the text is a JSON object."""
    if not text:
        return {}
    try:
        values = loads(text)
    except RecursionError:
        raise ValueError("expected a session as JSON, got too many levels") from None
    if not isinstance(values, dict):
        raise ValueError(f"expected a session as a JSON object, got {type(values).__name__}")
    return values
