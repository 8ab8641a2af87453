"""Calls from node to node of a cluster: their frames, the node that calls, and the node that has the station."""
