"""The registry of a cluster in Redis, and the frames between its nodes over streams."""
