"""The rules of HTTP and WebSocket that engine and hosts share: close codes, header fields, subprotocols."""
