"""Real work that virtual time waits for: threads and subprocesses."""
