"""Many stations of a server at a time: calls to them, and figures of all of them."""
