"""The laboratory: stations and a central system on a virtual wire with a virtual clock, for tests without sockets.

Everything is deterministic for a seed: a month of charging, a storm of reconnects or a broken frame plays in
milliseconds and plays the same again. Time is in seconds and starts at 0.

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
