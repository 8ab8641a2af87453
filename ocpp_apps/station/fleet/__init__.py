"""Many stations at a time."""
