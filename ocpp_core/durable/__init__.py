"""The client engine with an outbox: its messages outlive connections and restarts."""
