"""What a store keeps of a queue."""
