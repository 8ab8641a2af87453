"""Commands for stations that are away, which any node of a cluster stores and the node of the station sends."""
