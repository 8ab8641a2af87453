"""The inbound direction: received texts, requests in progress, and stored results."""
