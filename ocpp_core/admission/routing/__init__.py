"""Routes: which station a path names, and what a route demands of a connection."""
