"""The modules that are compiled: those that every message passes."""

from typing import Final

__all__ = ["COMPILED", "UNCHECKED"]

COMPILED: Final = (
    "ocpp_core._json._codec",
    "ocpp_core.actions._usual",
    "ocpp_core.inbound.answers",
    "ocpp_core.inbound.held",
    "ocpp_core.inbound.limited",
    "ocpp_core.inbound.receiver",
    "ocpp_core.inbound.repeats",
    "ocpp_core.inbound.requests",
    "ocpp_core.inputs._plain",
    "ocpp_core.inputs._usual",
    "ocpp_core.link._base",
    "ocpp_core.link._client",
    "ocpp_core.link._fast_path",
    "ocpp_core.link._frames",
    "ocpp_core.link._incoming",
    "ocpp_core.link._keepalive",
    "ocpp_core.link._server",
    "ocpp_core.messages",
    "ocpp_core.outbound.calls",
    "ocpp_core.outbound.queue",
    "ocpp_core.outbound.sends",
    "ocpp_core.session",
    "ocpp_core.stack._client",
    "ocpp_core.stack._server",
    "ocpp_core.timers",
    "ocpp_transports._driver._driver",
    "ocpp_transports._handlers._dispatcher",
)
"""A class whose base is in one of them is in one of them too, unless `copies` lets interpreted classes inherit."""

UNCHECKED: Final = (
    "ocpp_core.inputs._commands",
    "ocpp_core.inputs._events",
    "ocpp_core.inputs._link_commands",
    "ocpp_core.inputs._usual",
    "ocpp_core.outbound.call",
)
"""The modules whose classes have fields that the caller fills in: they may have any type."""
