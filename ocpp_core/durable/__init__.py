"""Outboxes in engines: of a client, and of the stations of a server. Messages outlive connections and restarts."""
