"""Sizes of the measurements, all bounded in count and time."""

from dataclasses import dataclass
from typing import Final

__all__ = ["FULL", "QUICK", "Sizes"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts and seconds of all parts. The defaults are those of a full run."""

    rounds: int = 5
    """Rounds over all servers, for cost."""
    few_rounds: int = 3
    """Rounds of parts that take longer or vary less."""
    least_rounds: int = 2
    """Rounds for memory, which hardly varies, and for parts that take long per round."""
    ping_rounds: int = 1
    """Rounds of the pings, which take a minute per server and vary by a few percent."""
    warmup: float = 0.7
    """Seconds to warm up, mainly for just-in-time compilers."""
    seconds: float = 1.0
    """Seconds measured per server, kind of traffic and round."""
    connections: int = 50
    idle_connections: int = 2_000
    settle: float = 0.5
    """Seconds in which memory may shrink."""
    paced_stations: int = 1_000
    paced_rate: int = 5_000
    """CALLs per second of all stations together."""
    paced_seconds: float = 5.0
    scale: tuple[int, ...] = (50, 2_000, 10_000)
    """Numbers of connections."""
    in_flight: int = 50
    """CALLs in flight at every number of connections."""
    ping_connections: int = 10_000
    ping_wait: float = 20.0
    """Seconds before the clock starts. The first pings follow 22.5 s after the connections."""
    ping_seconds: float = 30.0
    storm_stations: int = 2_000
    flood_healthy: int = 40
    """Stations beside a greedy one."""
    flood_seconds: float = 4.0
    fleet_stations: int = 4_000
    fleet_period: float = 3.0
    """Seconds in which each station sends a Heartbeat and a MeterValues. One period is measured."""
    fleet_rush: float = 3.0
    """Seconds at the greatest rate."""
    cluster_rounds: int = 3
    cluster_stations: int = 100_000
    """Stations in the registry of a cluster."""
    cluster_calls: int = 1_000
    """Calls to each of five stations, one at a time."""
    starts: int = 7
    """Fresh interpreters per figure."""
    pairs: int = 10_000
    """CALLs with CALLRESULTs of the session without sockets."""
    repeats: int = 7
    """Repetitions of the session's figures."""
    world_stations: tuple[int, ...] = (1, 100, 1_000)
    """Numbers of stations in a world."""
    world_messages: int = 10_000
    slow_figures: bool = True
    """True to measure what takes tens of seconds at any size: pings in the laboratory, the engine's tests."""


FULL: Final = Sizes()
QUICK: Final = Sizes(
    rounds=1,
    few_rounds=1,
    least_rounds=1,
    warmup=0.05,
    seconds=0.2,
    connections=5,
    idle_connections=50,
    settle=0.05,
    paced_stations=10,
    paced_rate=200,
    paced_seconds=0.2,
    scale=(5, 20),
    in_flight=5,
    ping_connections=20,
    ping_wait=0.0,
    ping_seconds=0.2,
    storm_stations=20,
    flood_healthy=4,
    flood_seconds=0.2,
    fleet_stations=20,
    fleet_period=0.4,
    fleet_rush=0.2,
    cluster_rounds=1,
    cluster_stations=500,
    starts=1,
    pairs=200,
    repeats=1,
    world_stations=(1, 5),
    world_messages=200,
    slow_figures=False,
)
