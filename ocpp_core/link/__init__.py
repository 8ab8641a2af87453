"""WebSocket endpoints without I/O: bytes in, messages out.

They implement RFC 6455 and RFC 7692 with h11 and wsproto. Each is an engine like the session: `handle(event, now)`,
`poll()` until None, `deadline`. A link returns both text and binary messages and does not interpret them.
"""

from ._client import ClientLink, expect_request
from ._server import ServerLink
from ._unfinished import Unfinished

__all__ = ["ClientLink", "ServerLink", "Unfinished", "expect_request"]
