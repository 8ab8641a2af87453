"""Routes of servers: a router, and the key of a station in a namespace."""

from ocpp_core.identity import StationKey

from ._server._routing._router import OCPPRouter

__all__ = ["OCPPRouter", "StationKey"]
