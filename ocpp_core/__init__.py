"""The sans-IO OCPP-J engine: bytes or events in, actions out.

It uses no clock, socket, task or global. Names are loaded when they are first used (PEP 562), so that a program that
only needs the session never imports h11, wsproto or fastjsonschema.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import actions, errors, inputs
    from ._compiled import compiled
    from ._version import __version__
    from .backoff import Backoff, ExponentialBackoff, OCPPBackoff
    from .client import ClientEngine
    from .config import (
        ClientConfig,
        Compression,
        IdFactory,
        LinkConfig,
        SessionConfig,
        UpgradeTarget,
        ValidationRule,
        Validator,
        Violation,
    )
    from .errors import OCPPError, RPCError, create_rpc_error
    from .inbound.answers import AnswerMemory
    from .limits import SharedBuckets
    from .link import ClientLink, ServerLink
    from .messages import Leniency, MessageType, decode
    from .outbound.memory_queue import MemoryQueue
    from .outbound.offline_queue import OfflineQueue
    from .server import ServerEngine
    from .session import Session
    from .stack import ClientStack, ServerStack
    from .times import write_time
    from .validation import SchemaValidator, create_validator, load_validator
    from .validation.explaining import explain
    from .validation.explanation import Explanation, Mistake
    from .versions import OCPP16, OCPP21, OCPP201, ErrorCode, Version, version_of

_HOMES = {
    "_compiled": ("compiled",),
    "_version": ("__version__",),
    "inbound.answers": ("AnswerMemory",),
    "backoff": ("Backoff", "ExponentialBackoff", "OCPPBackoff"),
    "client": ("ClientEngine",),
    "config": (
        "ClientConfig",
        "Compression",
        "IdFactory",
        "LinkConfig",
        "SessionConfig",
        "UpgradeTarget",
        "ValidationRule",
        "Validator",
        "Violation",
    ),
    "errors": ("OCPPError", "RPCError", "create_rpc_error"),
    "limits": ("SharedBuckets",),
    "link": ("ClientLink", "ServerLink"),
    "messages": ("Leniency", "MessageType", "decode"),
    "outbound.memory_queue": ("MemoryQueue",),
    "outbound.offline_queue": ("OfflineQueue",),
    "server": ("ServerEngine",),
    "session": ("Session",),
    "stack": ("ClientStack", "ServerStack"),
    "times": ("write_time",),
    "validation": ("SchemaValidator", "create_validator", "load_validator"),
    "validation.explaining": ("explain",),
    "validation.explanation": ("Explanation", "Mistake"),
    "versions": ("OCPP16", "OCPP201", "OCPP21", "ErrorCode", "Version", "version_of"),
}
_MODULES = ("actions", "errors", "inputs")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "OCPP16",
    "OCPP21",
    "OCPP201",
    "AnswerMemory",
    "Backoff",
    "ClientConfig",
    "ClientEngine",
    "ClientLink",
    "ClientStack",
    "Compression",
    "ErrorCode",
    "Explanation",
    "ExponentialBackoff",
    "IdFactory",
    "Leniency",
    "LinkConfig",
    "MemoryQueue",
    "MessageType",
    "Mistake",
    "OCPPBackoff",
    "OCPPError",
    "OfflineQueue",
    "RPCError",
    "SchemaValidator",
    "ServerEngine",
    "ServerLink",
    "ServerStack",
    "Session",
    "SessionConfig",
    "SharedBuckets",
    "UpgradeTarget",
    "ValidationRule",
    "Validator",
    "Version",
    "Violation",
    "__version__",
    "actions",
    "compiled",
    "create_rpc_error",
    "create_validator",
    "decode",
    "errors",
    "explain",
    "inputs",
    "load_validator",
    "version_of",
    "write_time",
]


if not TYPE_CHECKING:  # type checkers would accept every name

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
