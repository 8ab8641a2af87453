"""The versions, actions and number of meter values of the demo."""

from collections.abc import Mapping
from typing import Final

from anyio import to_thread

from ocpp_transports import warm_up

__all__ = ["PROTOCOLS", "SAMPLES", "compile_checks"]

SAMPLES: Final = 6
"""Meter values of a charging session."""

_COMMON: Final = ("Authorize", "BootNotification", "Heartbeat", "Reset", "StatusNotification")
_SECOND: Final = (*_COMMON, "GetVariables", "RequestStartTransaction", "SetVariables", "TransactionEvent")
_ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "ocpp1.6": (
        *_COMMON, "ChangeConfiguration", "GetConfiguration", "MeterValues", "RemoteStartTransaction",
        "StartTransaction", "StopTransaction",
    ),
    "ocpp2.0.1": (*_SECOND, "SecurityEventNotification"),
    "ocpp2.1": (*_SECOND, "NotifyPeriodicEventStream", "SecurityEventNotification"),
}  # fmt: skip
"""Actions of the scenario, by version."""

PROTOCOLS: Final = tuple(_ACTIONS)


async def compile_checks(*protocols: str) -> None:
    """Compile the checks of strict mode for the actions of the scenario.

    The library compiles those of all actions by default, which takes longer.
    """
    for protocol in protocols:
        await to_thread.run_sync(warm_up, protocol, _ACTIONS[protocol])
