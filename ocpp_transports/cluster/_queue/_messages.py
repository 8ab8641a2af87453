"""Commands as the nodes write them into the queue of a cluster."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from ocpp_core._json import dumps, loads
from ocpp_core.cluster.queue.records import NewCommand
from ocpp_core.cluster.queue.settings import MAX_TTL
from ocpp_core.cluster.records import NodeId
from ocpp_core.messages import is_unicode

__all__ = ["MakeCommand", "new_command", "read_content"]

MakeCommand: TypeAlias = Callable[[int, NodeId], NewCommand]
"""Makes a command of the number of its ticket and the node that stores it."""

_TTL: Final = 3600.0
"""Seconds for which a command waits by default: an old command must not surprise."""
_MOST_KEY: Final = 255
_POSSIBLE: Final = ("key", "ttl", "deadline")


def new_command(
    protocol: str | None, action: str, payload: Mapping[str, Any], options: Mapping[str, Any]
) -> MakeCommand:
    """Return the function that makes a command.

    Args:
        protocol: The only subprotocol with which it may be sent; None for any.
        action: The name of the OCPP action.
        payload: The payload.
        options: Those of `StationEnqueueKeywords` that a cluster has: `key`, `ttl` and `deadline`.

    Raises:
        ValueError: An option has a bad value, or is none of a cluster.
        TypeError: An option has the wrong type.
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    if others := sorted(given.keys() - set(_POSSIBLE)):
        raise ValueError(f"expected key, ttl or deadline for a command in the cluster, got {', '.join(others)}")
    key, ttl = given.get("key"), _seconds("ttl", given.get("ttl", _TTL), MAX_TTL)
    deadline = None if "deadline" not in given else _seconds("deadline", given["deadline"], MAX_TTL)
    _expect_key(key)
    content = dumps([protocol, action, payload])
    return lambda number, origin: NewCommand(number, action, key, content, ttl, deadline, origin)


def read_content(content: str) -> tuple[str | None, str, dict[str, Any]]:
    """Return protocol, action and payload of a command. Raises ValueError for another text."""
    match loads(content):
        case [(str() | None) as protocol, str(action), dict(payload)]:
            return protocol, action, payload
        case _:
            raise ValueError("expected a queued command, got another value")


def _seconds(name: str, value: object, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected {name} as seconds, got {type(value).__name__}")
    if not 0 < value <= most:
        raise ValueError(f"expected {name} above 0 and at most {most:.15g} seconds in a cluster, got {value!r}")
    return float(value)


def _expect_key(key: object) -> None:
    if key is None:
        return
    if not isinstance(key, str):
        raise TypeError(f"expected key as str, got {type(key).__name__}")
    if not (0 < len(key) <= _MOST_KEY and is_unicode(key)):
        raise ValueError(f"expected key of 1 to {_MOST_KEY} characters, got {key!r}")
