"""Admission: what a server checks before it accepts a handshake, as a list of pure steps."""
