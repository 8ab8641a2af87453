"""What a supervisor and its workers tell each other."""

from dataclasses import asdict
from enum import Enum
from typing import Any, Final

from ocpp_core._dataclasses import dataclass
from ocpp_transports._server._lifecycle._serving import Loop

__all__ = ["ORDERS", "READY", "REGISTRY", "Order", "WorkerProgram", "WorkerSettings"]

READY: Final = b"ready "
"""The beginning of the line with which a worker reports that it serves; then the seconds follow that closing may take.
"""
ORDERS: Final = b"o"
"""The beginning of a stream on which a worker of an earlier supervisor gets orders; then its process follows, and the
seconds that closing may take."""
REGISTRY: Final = b"r"
"""The beginning of a stream to the registry, of a worker of an earlier supervisor."""


class Order(Enum):
    """What a worker has to do; each is one line on its channel."""

    STOP = "stop"
    """Close as `serve_forever` does, with 1001."""
    RETIRE = "retire"
    """Leave the socket to the successor, which accepts already, then close with 1012."""
    DROP = "drop"
    """Drop the connections that are still open."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker needs to begin; the process gets it as its argument, so it has no secrets."""

    number: int
    target: str
    loop: Loop
    channel: int
    """The descriptor of the stream of orders."""
    registry: int
    """The descriptor of the stream to the registry in the supervisor."""
    sockets: tuple[int, ...]
    """The descriptors of the listening sockets."""
    path: tuple[str, ...]
    """Where the supervisor finds modules."""
    directory: str | None
    """The directory of the port; None without one."""
    interval: float | None
    """Seconds between signs of life; None for no signs."""

    def as_json(self) -> dict[str, Any]:
        """Return them as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WorkerProgram:
    """What all workers of a supervisor run, and how it watches them."""

    target: str
    """The function that makes the server, as `module:function`."""
    loop: Loop
    directory: str | None
    """The directory of the port; None without one."""
    hang_timeout: float | None
    """Seconds without a sign of life after which a worker is killed; None: never."""
