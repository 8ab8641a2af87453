"""Which servers Redis consists of: one, the primary that Sentinel names, or the primaries of Redis Cluster."""
