"""Names, payloads and faults of the OCPP versions."""
