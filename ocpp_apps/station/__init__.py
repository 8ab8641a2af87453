"""A simulated charging station to test central systems. It also runs in a browser.

`python -m ocpp_apps.station` runs any number of them.
"""

from .client import Client
from .clock import Clock, Event, Task
from .faults import ArmedFault, FaultInjector
from .messages.log import LogEntry, MessageLog
from .model.configuration import Setting
from .model.connector import Connector, Sample, Transaction
from .model.errors import (
    ConnectorError,
    NotAuthorizedError,
    NotRegisteredError,
    StationError,
    UnknownConnectorError,
    UnknownSettingError,
)
from .model.settings import StationSettings
from .station import Station

__all__ = [
    "ArmedFault",
    "Client",
    "Clock",
    "Connector",
    "ConnectorError",
    "Event",
    "FaultInjector",
    "LogEntry",
    "MessageLog",
    "NotAuthorizedError",
    "NotRegisteredError",
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
