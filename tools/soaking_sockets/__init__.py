"""The parts of `tools/soak_sockets.py`: the server, the misbehaving stations, and the ledger of outcomes."""
