"""The options of a server for its stations."""
