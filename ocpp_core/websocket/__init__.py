"""Rules of HTTP and WebSocket that the engine and its hosts share: close codes, header fields, subprotocols."""
