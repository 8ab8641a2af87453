"""A WebSocket link and an OCPP-J engine as one object to embed: bytes in, bytes out.

What it is. A stack has the interface of an engine and consists of two engines: a link, which turns bytes into messages,
and a session (server) or a client engine (client), which handles the messages. The two layers are separate because each
has its own states: one state machine for both would have the product of them.

What it guarantees. The contract of an engine holds for the whole stack. The order of actions ensures this: the link
gets the output of the session before it decodes another message, so an immediate reply is sent before any later message
is decoded. Congestion of the stream and a full session both stop the decoding in the link, where buffering is cheap and
TCP slows down the peer.

Why there are two paths through it. Nearly every message is a whole text frame on an open connection. For those the
stack passes texts between the layers with the direct calls of `ocpp_core._direct`, without an object for each step. All
other inputs use `handle` and `poll` of both layers. Both paths do the same, and a property test compares them.

What it must never do. It implements no protocol itself: the layer that owns a frame or a message interprets it. It
never passes a second text to the session while an action is pending.
"""

from ._client import ClientStack
from ._server import ServerStack

__all__ = ["ClientStack", "ServerStack"]
