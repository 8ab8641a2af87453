"""Routes of a server: routers, and the rules that a path selects."""
