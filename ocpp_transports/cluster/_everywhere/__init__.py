"""The stations of all nodes: calls to them, waits for them, and broadcasts."""
