"""The rules of a cluster of servers: which node has a station, and calls from node to node."""
