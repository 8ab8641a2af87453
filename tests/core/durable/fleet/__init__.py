"""A simulation of the outboxes of a server: stations, a server that crashes, a store that fails, lost connections."""
