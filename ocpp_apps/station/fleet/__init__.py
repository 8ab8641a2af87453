"""Fleets of simulated stations."""
