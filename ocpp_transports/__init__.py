"""Transports for the OCPP-J engine."""
