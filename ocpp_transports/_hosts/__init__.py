"""Carriers of bytes or messages: sockets, streams and channels, and how a client opens them."""
