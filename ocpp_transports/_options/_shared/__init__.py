"""What connections with equal options share."""
