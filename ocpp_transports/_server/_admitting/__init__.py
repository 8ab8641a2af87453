"""From an accepted stream to a connected station: limits, the steps of admission, the decision."""
