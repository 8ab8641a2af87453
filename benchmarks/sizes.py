"""How much is measured: everything is bounded in count and time."""

from dataclasses import dataclass
from typing import Final

__all__ = ["FULL", "QUICK", "Sizes"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts and seconds of all parts; the defaults are those of a full run."""

    rounds: int = 5
    """Over all servers, for cost."""
    few_rounds: int = 3
    """For the rest, which takes longer or varies less."""
    least_rounds: int = 2
    """For memory, which hardly varies, and for what takes a minute a round."""
    warmup: float = 1.0
    """For just-in-time compilers, above all."""
    seconds: float = 1.5
    """Measured a server, kind of traffic and round."""
    connections: int = 50
    idle_connections: int = 2_000
    settle: float = 0.5
    """In which memory may shrink."""
    paced_stations: int = 1_000
    paced_rate: int = 5_000
    """CALLs a second of all stations together."""
    paced_seconds: float = 5.0
    scale: tuple[int, ...] = (50, 500, 2_000, 10_000)
    """Numbers of connections."""
    in_flight: int = 50
    """CALLs under way at every number of connections."""
    ping_connections: int = 10_000
    ping_wait: float = 20.0
    """Before the clock starts: the first pings come 22.5 s after the connections."""
    ping_seconds: float = 30.0
    storm_stations: int = 2_000
    fleet_stations: int = 5_000
    fleet_period: float = 10.0
    """In which each station sends a Heartbeat and a MeterValues at the steady rate; one is measured."""
    fleet_rush: float = 5.0
    """As fast as it goes."""
    starts: int = 7
    """Fresh interpreters a figure."""
    pairs: int = 10_000
    """CALLs and CALLRESULTs of the session alone."""
    repeats: int = 7
    """Of the session's figures."""
    slow_figures: bool = True
    """True if to measure what takes tens of seconds whatever the sizes: pings in the laboratory, the engine's tests."""


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
    fleet_stations=20,
    fleet_period=0.4,
    fleet_rush=0.2,
    starts=1,
    pairs=200,
    repeats=1,
    slow_figures=False,
)
