"""The parts of `tools/soak.py`: the server, the misbehaving stations, and the ledger of outcomes."""
