"""The version of the distribution `ocpp-ws-io`; its build reads this file."""

__all__ = ["__version__"]

__version__ = "0.1.0"
"""The version of the distribution `ocpp-ws-io`."""
