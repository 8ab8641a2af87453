"""Limits of a connection in time, bytes and number that are the same on every event loop.

What a connection may be configured to is an option; these are the defaults of those options, and what has none.
"""

from typing import Final

__all__ = [
    "BACKLOG",
    "BURST",
    "EARLY",
    "HIGH_WATER",
    "LINGER",
    "LOOK",
    "MAX_TLS_HANDSHAKES",
    "SEND_TIMEOUT",
    "SPAN",
    "TLS_TIMEOUT",
]

BURST: Final = 32
"""Requests dispatched in one turn; then other connections get theirs. What is decoded is the engine's to count."""
SPAN: Final = 0.005
"""Seconds after which no further request of a burst is dispatched in the same turn: plain handlers may be slow."""
SEND_TIMEOUT: Final = 30.0
"""Seconds that congested output may make no progress by default; then the connection is dropped.

The same time as a call waits for its answer.
"""
LOOK: Final = 1.0
"""Seconds between two looks whether a connection that is not read from is still there."""
EARLY: Final = 0.001
"""Seconds by which a timer may ring early (uvloop counts milliseconds) and is taken to be in time.

Arming it again for the rest of the millisecond would ring at once, hundreds of times.
"""
HIGH_WATER: Final = 65536
"""Bytes of unsent output from which on a connection is congested; below a quarter of it, it no longer is."""
LINGER: Final = 5.0
"""Seconds a closed connection may take to send what is left and to see the peer's end; then it is dropped."""
BACKLOG: Final = 1024
"""Connections that wait to be accepted, as far as the system allows: a fleet comes back at once after an outage."""
TLS_TIMEOUT: Final = 30.0
"""Seconds an accepted connection may take for its TLS handshake; then it is dropped."""
MAX_TLS_HANDSHAKES: Final = 256
"""TLS handshakes in progress on one listener: 75 MB at most on asyncio, and more than one core does in a second."""
