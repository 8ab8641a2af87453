"""Errors of operations that a simulated station cannot do."""

__all__ = [
    "ConnectorError",
    "NotAuthorizedError",
    "NotRegisteredError",
    "StationError",
    "UnknownConnectorError",
    "UnknownSettingError",
]


class StationError(RuntimeError):
    """The station cannot do this, or not in its current state."""


class ConnectorError(StationError):
    """The connector is in the wrong state for the operation."""


class NotAuthorizedError(StationError):
    """The ID token may not charge."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the ID token may not charge: {status}")
        self.status = status
        """The authorization status, as the version names it."""


class NotRegisteredError(StationError):
    """The CSMS has not accepted the BootNotification, so the station may not start a transaction."""


class UnknownConnectorError(ValueError):
    """The station has no such connector."""


class UnknownSettingError(ValueError):
    """The station has no such setting, or the setting does not allow the value."""
