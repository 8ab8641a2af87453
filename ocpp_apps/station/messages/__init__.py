"""The messages between a station and its central system, and whether they conform."""
