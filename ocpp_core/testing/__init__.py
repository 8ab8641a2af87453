"""A laboratory for tests without sockets: stations and a server on a virtual network.

Its clock is virtual too. Every run is deterministic for its seed. A month of charging, mass reconnects or a broken
frame takes milliseconds, and a repetition has the same result. Time is in seconds and starts at 0.

    lab = Laboratory()
    lab.server.handlers["Heartbeat"] = lambda request: {"currentTime": "2026-01-01T00:00:00Z"}
    station = lab.connect()
    answer = station.call("Heartbeat")
    lab.run_for(1)
    assert answer.result == {"currentTime": "2026-01-01T00:00:00Z"}
"""

from ._endpoint import CallOutcome, Handler, LabEndpoint
from ._ends import LabStation, ServerConnection
from ._laboratory import Laboratory, Server
from ._wire import Wire, WireFault

__all__ = [
    "CallOutcome",
    "Handler",
    "LabEndpoint",
    "LabStation",
    "Laboratory",
    "Server",
    "ServerConnection",
    "Wire",
    "WireFault",
]
