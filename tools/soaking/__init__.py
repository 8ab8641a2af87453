"""What `tools/soak.py` is made of: the server, the stations that misbehave, and the ledger of what became of it."""
