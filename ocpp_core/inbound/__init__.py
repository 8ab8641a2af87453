"""Inbound texts: what becomes of each, the requests in progress, and the answers remembered."""
