"""Outbound calls and SENDs as the application makes them."""
