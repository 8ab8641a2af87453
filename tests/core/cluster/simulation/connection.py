"""One connection of a station to a node."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Connection:
    """One connection or handshake of a station."""

    identity: str
    """The station."""
    admitted: Callable[[], None] = field(repr=False)
    """Is called when the node lets the handshake succeed."""
    closed: Callable[[], None] = field(repr=False)
    """Is called when the node refuses or closes it."""
    called: Callable[[Callable[[], None]], None] = field(repr=False)
    """Is called when a CALL of the node arrives, with the function by which the station responds."""
    fence: int | None = None
    """The fence with which it was admitted; None before."""
