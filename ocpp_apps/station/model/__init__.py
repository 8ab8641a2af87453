"""The state of a station, independent of the OCPP version."""
