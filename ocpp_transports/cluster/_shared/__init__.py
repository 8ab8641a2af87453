"""What the servers of a cluster remember together: written in the background, read when a station connects."""
