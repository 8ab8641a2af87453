"""Addresses and networks of peers: IPv4 and IPv6."""
