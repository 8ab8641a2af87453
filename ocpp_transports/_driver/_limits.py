"""Limits of a connection in time, bytes and number that are the same on every event loop.

Limits that can be configured are options, and these are their defaults; the others are fixed.
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
    "TASK_WORK",
    "TLS_TIMEOUT",
    "TURN_WORK",
]

BURST: Final = 16
"""Requests of a connection dispatched at a time, for example held ones; then others are served.

It is more than `ocpp_core.actions.TURN`, with which the engine limits what is decoded at a time.
"""
TURN_WORK: Final = 32
"""Units of work in one turn of the event loop for all connections that are behind, see `ocpp_core.actions.TURN`."""
TASK_WORK: Final = 3
"""Units of work of a started task, besides that of its request: a coroutine handler costs as much as four plain ones.
"""
SPAN: Final = 0.002
"""Seconds after which a turn serves no further request, and no further connection: plain handlers may be slow."""
SEND_TIMEOUT: Final = 30.0
"""Seconds that congested output may go without progress by default; then the connection is dropped.

It equals the default timeout of a call.
"""
LOOK: Final = 1.0
"""Seconds between two checks whether a connection that is not read is still there."""
EARLY: Final = 0.001
"""Seconds by which a timer may fire early (uvloop counts milliseconds) and still counts as on time.

Arming it again for the rest of the millisecond would fire it at once, hundreds of times.
"""
HIGH_WATER: Final = 65536
"""Bytes of unsent output that make a connection congested, until a quarter of it is left."""
LINGER: Final = 5.0
"""Seconds a closed connection may take to send its output and to see the peer's end; then it is dropped."""
BACKLOG: Final = 1024
"""Connections that wait to be accepted, within the system's limit: after an outage all stations reconnect at once."""
TLS_TIMEOUT: Final = 30.0
"""Seconds an accepted connection may take for its TLS handshake; then it is dropped."""
MAX_TLS_HANDSHAKES: Final = 256
"""TLS handshakes in progress on one listener: at most 75 MB on asyncio, and more than one core does in a second."""
