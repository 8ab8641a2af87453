"""A simulation of the outbox: a station that crashes, a store that fails, a network that loses, and what must hold."""
