"""Routes of a blocking server."""
