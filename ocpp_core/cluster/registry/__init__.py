"""The registry of a cluster: which node has which station, as each node believes it, and the table they share."""
