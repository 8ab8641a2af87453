"""Reads the schema bundles and writes the typed messages and models of each OCPP version."""
