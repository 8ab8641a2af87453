"""Commands for stations that are away: the outboxes of a server on its event loop."""
