"""Carries frames from node to node over byte streams of their own: TCP, with TLS, or Unix sockets."""
