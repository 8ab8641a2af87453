"""Commands for stations that are away from all nodes of a cluster."""
