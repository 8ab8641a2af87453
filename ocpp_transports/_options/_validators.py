"""The bundled validators, shared by all clients and servers of a process."""

from collections.abc import Iterable
from typing import Final

from ocpp_core.validation import SchemaValidator, load_validator

__all__ = ["shared_validator", "warm_up"]

_shared: Final[dict[str, SchemaValidator]] = {}


def shared_validator(protocol: str) -> SchemaValidator:
    """Return the shared validator of a standard protocol. Raises ValueError for another protocol."""
    if protocol not in _shared:
        _shared[protocol] = load_validator(protocol)
    return _shared[protocol]


def warm_up(protocol: str, actions: Iterable[str] | None = None) -> None:
    """Compile the checks of strict mode ahead of time, for these actions or for all.

    It takes 0.1 to 1 s, and no time when repeated. It blocks; in an event loop run it in a worker thread, as `connect`
    and `listen` do in strict mode. Raises ValueError for a protocol that is not a standard one, and for an action that
    the protocol does not have.
    """
    shared_validator(protocol).warm_up(actions)
