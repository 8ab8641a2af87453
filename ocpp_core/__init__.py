"""Sans-IO OCPP-J engine."""
