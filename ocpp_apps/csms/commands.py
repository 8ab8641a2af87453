"""The requests of the central system, as each version writes them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

__all__ = ["Call", "CommandBuilder", "commands_of"]

Call: TypeAlias = tuple[str, dict[str, Any]]
"""An action and its payload."""


class CommandBuilder(ABC):
    """The requests that exist in every version."""

    @abstractmethod
    def start(self, connector: int, token: str, number: int) -> Call:
        """Request a charging session. OCPP 2.x numbers the request."""

    @abstractmethod
    def stop(self, transaction_id: int | str) -> Call:
        """Request the end of a transaction."""

    @abstractmethod
    def reset(self) -> Call:
        """Request a restart that lets the station end its transactions."""

    @abstractmethod
    def read(self, setting: str) -> Call:
        """Request the value of a setting."""

    @abstractmethod
    def change(self, setting: str, value: str) -> Call:
        """Request a new value of a setting."""


class _Commands16(CommandBuilder):
    """OCPP 1.6. A setting is a configuration key."""

    def start(self, connector: int, token: str, number: int) -> Call:  # 1.6 does not number requests
        return "RemoteStartTransaction", {"connectorId": connector, "idTag": token}

    def stop(self, transaction_id: int | str) -> Call:
        return "RemoteStopTransaction", {"transactionId": transaction_id}

    def reset(self) -> Call:
        return "Reset", {"type": "Soft"}

    def read(self, setting: str) -> Call:
        return "GetConfiguration", {"key": [setting]}

    def change(self, setting: str, value: str) -> Call:
        return "ChangeConfiguration", {"key": setting, "value": value}


class _Commands2(CommandBuilder):
    """OCPP 2.0.1 and 2.1. A setting is `Component.Variable`; a connector is an EVSE."""

    def start(self, connector: int, token: str, number: int) -> Call:
        id_token = {"idToken": token, "type": "ISO14443"}
        return "RequestStartTransaction", {"remoteStartId": number, "idToken": id_token, "evseId": connector}

    def stop(self, transaction_id: int | str) -> Call:
        return "RequestStopTransaction", {"transactionId": transaction_id}

    def reset(self) -> Call:
        return "Reset", {"type": "OnIdle"}

    def read(self, setting: str) -> Call:
        return "GetVariables", {"getVariableData": [_where(setting)]}

    def change(self, setting: str, value: str) -> Call:
        return "SetVariables", {"setVariableData": [{**_where(setting), "attributeValue": value}]}


def _where(setting: str) -> dict[str, Any]:
    component, _, variable = setting.rpartition(".")
    return {"component": {"name": component}, "variable": {"name": variable}}


_COMMANDS: Final[Mapping[str, CommandBuilder]] = {
    "ocpp1.6": _Commands16(),
    "ocpp2.0.1": _Commands2(),
    "ocpp2.1": _Commands2(),
}


def commands_of(protocol: str) -> CommandBuilder:
    """Return the requests of a subprotocol. Raises LookupError if it is unknown."""
    return _COMMANDS[protocol]
