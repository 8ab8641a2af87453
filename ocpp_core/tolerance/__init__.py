"""Tolerance as data: profiles of stations that break the rules, and how a session applies them."""
