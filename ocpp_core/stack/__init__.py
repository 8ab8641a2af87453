"""Bytes in, bytes out: a WebSocket link and the OCPP-J engine behind it as one object to embed.

What it is. A stack has an engine's interface and consists of two engines: a link, which turns bytes into messages, and
behind it a session (server) or a client engine (client). Bytes go in, bytes come out, and a host has one object to
embed. The two layers stay apart because each has its own states: one machine for both would have the product of them.

What it guarantees. All that the contract of an engine says holds for the whole. One order of actions makes it so: the
outputs of the session go to the link before the link decodes another message, so an answer that is made at once leaves
before anything later is read. Congestion of the stream and a full session both stop the decoding in the link, where
bytes are cheap to keep and TCP slows down the peer.

Why there are two ways through it. Nearly every message is a whole text frame on an open connection. For those the stack
passes texts from layer to layer by the direct calls of `ocpp_core._direct`, without an object for each step; everything
rare goes through `handle` and `poll` of both. Both ways do the same, and a property test compares them.

What it must never do. It holds no protocol of its own: the layer that owns a frame or a message decides what it means.
It never gives the session a second text while an action waits to be taken.
"""

from ._client import ClientStack
from ._server import ServerStack

__all__ = ["ClientStack", "ServerStack"]
