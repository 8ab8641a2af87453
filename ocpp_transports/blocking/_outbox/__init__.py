"""Messages of a blocking client that outlive connections: tickets whose waits block."""
