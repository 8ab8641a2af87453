"""Admission: the checks of a server before it accepts a handshake, as a list of pure steps."""
