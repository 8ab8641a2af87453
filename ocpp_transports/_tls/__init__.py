"""TLS: contexts and files, handshakes, and the reasons of their failures."""
