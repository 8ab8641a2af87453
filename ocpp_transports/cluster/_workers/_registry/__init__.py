"""The cluster of the workers of one supervisor: it keeps their registry and passes frames among them."""
