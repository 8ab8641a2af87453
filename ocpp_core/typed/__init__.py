"""What the generated messages and models of each OCPP version have in common."""
