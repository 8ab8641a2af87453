"""Outbound CALLs: one call, the queues it waits in, and the window it is sent through."""
