"""What passed between a station and its central system, and whether it conforms."""
