"""Counts of calls, connections and mistakes, and their text for Prometheus."""
