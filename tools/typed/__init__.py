"""Reads the schema bundles and writes the typed messages and models."""
