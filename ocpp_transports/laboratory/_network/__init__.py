"""A virtual network below the production hosts, with the semantics of TCP."""
