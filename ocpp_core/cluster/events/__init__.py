"""Events of a cluster on their way to consumers: the bounded buffer of a node, and the entries of a stream."""
