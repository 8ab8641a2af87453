"""Bytes in, bytes out: a WebSocket link and the OCPP-J engine behind it as one object to embed.

The link's messages are the session's inputs and the session's texts are the link's commands; everything else passes
through. What nearly every message takes goes by the direct interface (`_direct`). One action is taken at a time, the
session's first, so that the answers to a message leave before the next message of the same chunk is decoded.
"""

from ._client import ClientStack
from ._server import ServerStack

__all__ = ["ClientStack", "ServerStack"]
