"""A charging station, simulated: for those who test central systems. It runs in a browser as well.

`python -m ocpp_transports.station` runs any number of them.
"""

from .client import Client
from .configuration import Setting
from .connector import Connector, Sample, Transaction
from .errors import (
    ConnectorError,
    NotAuthorizedError,
    NotRegisteredError,
    StationError,
    UnknownConnectorError,
    UnknownSettingError,
)
from .log import LogEntry, MessageLog
from .mischief import Fault, Mischief
from .pace import Event, Pace, Task
from .settings import StationSettings
from .station import Station

__all__ = [
    "Client",
    "Connector",
    "ConnectorError",
    "Event",
    "Fault",
    "LogEntry",
    "MessageLog",
    "Mischief",
    "NotAuthorizedError",
    "NotRegisteredError",
    "Pace",
    "Sample",
    "Setting",
    "Station",
    "StationError",
    "StationSettings",
    "Task",
    "Transaction",
    "UnknownConnectorError",
    "UnknownSettingError",
]
