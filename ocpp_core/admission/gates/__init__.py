"""The checks that need no identity: the address of the peer, its rate of handshakes, the origin of a web page."""
