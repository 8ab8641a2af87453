"""The parts that a client and a server's connection share: handlers, events, closing."""
