"""Events of the servers of a cluster for other programs: written to streams of their store, and read from them."""
