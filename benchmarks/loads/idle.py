"""Idle connections: their memory and the cost of their pings."""

import time
from typing import Final

from benchmarks.process import cpu_seconds, resident_bytes
from benchmarks.stations import Crowd, Station, connect, upgrade_request
from benchmarks.traffic import OCPP16_MIX, compressed_call

__all__ = ["memory", "pings"]

_FIRST: Final = 50
"""Connections opened before memory is measured, so that one-time allocations are not counted."""


def memory(port: int, pid: int, connections: int, settle: float, *, compression: bool) -> dict[str, float]:
    """Return the server's memory per open connection after one answered CALL.

    The CALL is a Heartbeat, or with compression a DataTransfer that is compressed in both directions.
    """
    open_stations = _connect_compressed if compression else _connect_plain
    stations = open_stations(port, _FIRST, 0)
    for station in stations:
        for _ in range(4):
            station.call_once()
    before = _settled_memory(pid, settle)
    stations += open_stations(port, connections, _FIRST)
    after = _settled_memory(pid, settle)
    return {"bytes_each": (after - before) / connections}


def _connect_plain(port: int, count: int, first: int) -> list[Station]:
    stations = connect(port, OCPP16_MIX, count, first)
    for station in stations:
        station.position = 0  # a Heartbeat
        station.call_once()
    return stations


def _connect_compressed(port: int, count: int, first: int) -> list[Station]:
    calls = [compressed_call()]
    stations = []
    for number in range(first, first + count):
        request = upgrade_request(port, f"CP{number}", OCPP16_MIX.protocol, deflate=True)
        stations.append(station := Station(port, request, calls, 0))
        station.call_once()
        if station.compressed != station.answered:
            raise ValueError("expected a compressed response")
    return stations


def _settled_memory(pid: int, settle: float) -> int:
    """Return the least memory over some seconds, which excludes garbage that is not collected yet."""
    least = resident_bytes(pid)
    for _ in range(5):
        time.sleep(settle / 5)
        least = min(least, resident_bytes(pid))
    return least


def pings(port: int, pid: int, connections: int, wait: float, seconds: float) -> dict[str, float]:
    """Return the share of a processor that a server needs for the pings of idle connections.

    The clock starts after a wait, since the first pings follow one interval after the connections.
    """
    crowd = Crowd()
    crowd.add(_connect_plain(port, connections, 0))
    _answer_pings(crowd, wait)
    before = sum(station.pings for station in crowd.stations)
    server, wall = cpu_seconds(pid), time.monotonic()
    _answer_pings(crowd, seconds)
    server, wall = cpu_seconds(pid) - server, time.monotonic() - wall
    answered = sum(station.pings for station in crowd.stations) - before
    return {"share": server / wall, "pings_a_second": answered / wall}


def _answer_pings(crowd: Crowd, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        crowd.answered(left)
