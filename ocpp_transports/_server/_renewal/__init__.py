"""Renewing the certificates of listeners at work."""
