"""The outbound direction: calls, their queues, and the window of outstanding CALLs."""
