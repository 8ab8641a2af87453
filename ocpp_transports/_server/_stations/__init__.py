"""The connected stations: the handle on each, the registry, look-ups and calls."""
