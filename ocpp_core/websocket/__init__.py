"""The rules of HTTP and WebSocket that the engine and its hosts share."""
