"""The parts that a client and a server's connection share: calls, events, closing."""
