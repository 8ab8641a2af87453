"""What may be an attack: incidents of connections, and the records of all incidents."""
