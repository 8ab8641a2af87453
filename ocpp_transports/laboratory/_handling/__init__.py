"""One call of a handler, on a connection that the server admits without its checks."""
