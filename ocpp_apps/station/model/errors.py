"""Why a command to a simulated station is impossible."""

__all__ = [
    "ConnectorError",
    "NotAuthorizedError",
    "NotRegisteredError",
    "StationError",
    "UnknownConnectorError",
    "UnknownSettingError",
]


class StationError(RuntimeError):
    """The station cannot do that, or not now."""


class ConnectorError(StationError):
    """The connector is in the wrong state for it."""


class NotAuthorizedError(StationError):
    """The id token may not charge; `status` is the CSMS's reason, in the words of the version."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the id token may not charge: {status}")
        self.status = status


class NotRegisteredError(StationError):
    """The CSMS has not accepted the station's BootNotification, so that it may not begin a transaction."""


class UnknownConnectorError(ValueError):
    """The station has no such connector."""


class UnknownSettingError(ValueError):
    """The station has no such setting, or will not take that value."""
