"""WebSocket endpoints without I/O: RFC 6455 and RFC 7692 over h11 and wsproto, bytes in and messages out.

Each is an engine like the session: `handle(event, now)`, `poll()` until None, `deadline`. Text and binary messages
both come out; what they mean is not decided here.
"""

from ._client import ClientLink, expect_request
from ._server import ServerLink
from ._unfinished import Unfinished

__all__ = ["ClientLink", "ServerLink", "Unfinished", "expect_request"]
