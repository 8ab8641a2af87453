"""The order of queued messages: which is next, and which a full queue drops."""
