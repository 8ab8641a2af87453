"""What a cluster of many stations needs, computed from measured constants: the table of docs/design/cluster-million.md.

python tools/cluster_arithmetic.py                            # a million stations on 50 nodes
python tools/cluster_arithmetic.py --stations 200000 --nodes 10

After a new measurement, change `CONSTANTS`, and replace the table of the page.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

__all__ = ["CONSTANTS", "Constants", "Fleet", "constants_table", "main", "table"]

_BUCKET: Final = 512
"""Stations in a bucket up to which Redis stores it compactly."""
_HOUR: Final = 3_600
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Constants:
    """What was measured. Times are µs of CPU, sizes are bytes."""

    claim: float
    """CPU of Redis for a claim."""
    claim_node: float
    """CPU of a node for a claim."""
    find: float
    """CPU of Redis for a lookup: the owner and its lease."""
    call: float
    """CPU of Redis for a call over Redis, the response included."""
    renewal: float
    """CPU of Redis for a renewal of one node, for each bucket."""
    renewal_node: float
    """CPU of a node for a renewal, for each bucket."""
    check: float
    """CPU of Redis for a checked station."""
    station: float
    """Memory of Redis a station, with at most 512 in a bucket."""
    connection: float
    """Memory of a node an idle connection."""
    reconnect: float
    """CPU of a node for a reconnect with TLS and Basic auth, without the claim."""
    event: float
    """Memory of Redis a message in a stream of events."""


CONSTANTS: Final = Constants(
    claim=38.7,
    claim_node=89.4,
    find=3.9,
    call=65.9,
    renewal=8.6,
    renewal_node=46.3,
    check=3.4,
    station=59.1,
    connection=8_240,
    reconnect=842,
    event=300,
)


@dataclass(frozen=True)
class Fleet:
    """The stations, and what they do."""

    stations: int = 1_000_000
    nodes: int = 50
    lease: float = 30
    """Seconds; a node renews its lease at each third."""
    session: float = _HOUR
    """Seconds from one reconnect of a station to the next."""
    calls: float = 600
    """Seconds from one call of another node to a station to the next."""
    messages: float = 30
    """Seconds from one message of a station to the next."""
    storm: float = 60
    """Seconds in which all stations reconnect after an outage."""

    @property
    def buckets(self) -> int:
        """The number of buckets, a power of two, with which a bucket is stored compactly."""
        return 1 << (ceil(self.stations / _BUCKET) - 1).bit_length()


def table(fleet: Fleet, each: Constants) -> list[str]:
    """Return the lines of the table in Markdown."""
    head = ["| What | How many | Redis | Each node |", "|---|---|---|---|"]
    return head + [f"| {' | '.join(row)} |" for row in _rows(fleet, each)]


def _rows(fleet: Fleet, each: Constants) -> Iterator[tuple[str, str, str, str]]:
    stations, nodes = fleet.stations, fleet.nodes
    yield (
        "Memory of the registry, of connections",
        f"{stations:,} stations in {fleet.buckets:,} buckets",
        _size(stations * each.station),
        _size(stations / nodes * each.connection),
    )
    renewals = nodes / (fleet.lease / 3)
    yield (
        f"Renewals with a lease of {fleet.lease:g} s",
        f"{renewals:,.3g}/s",
        _share(renewals * fleet.buckets * each.renewal),
        _share(renewals / nodes * fleet.buckets * each.renewal_node),
    )
    yield _claims("Each station reconnects once an hour", stations / fleet.session, nodes, each)
    remote = stations / fleet.calls
    calls = f"A call of another node each {fleet.calls / 60:g} min"
    yield f"{calls}, direct", f"{remote:,.0f}/s", f"{_share(remote * each.find)} at most", "not computed"
    yield f"{calls}, over Redis", f"{remote:,.0f}/s", _share(remote * (each.find + each.call)), "not computed"
    yield _claims(f"Storm: all are back in {fleet.storm:g} s", stations / fleet.storm, nodes, each)
    yield (
        "Check of all stations after a failover",
        f"{stations:,} stations",
        f"{stations * each.check / 1e6:.1f} s of a core",
        "not computed",
    )
    yield (
        "Restores after a loss of all data",
        f"{stations:,} stations",
        f"{stations * each.claim / 1e6:.1f} s of a core",
        f"{stations / nodes * each.claim_node / 1e6:.1f} s of a core",
    )
    yield "Direct streams, if each node calls each other one", f"{nodes * (nodes - 1):,}", "none", f"{2 * (nodes - 1)}"
    events = stations / fleet.messages
    yield (
        f"Events of messages, one each {fleet.messages:g} s",
        f"{events:,.0f}/s",
        f"{_size(events * each.event)}/s",
        "not computed",
    )
    for title, seconds in (("an hour", _HOUR), ("a day", _DAY)):
        yield f"… kept for {title}", f"{events * seconds:,.0f}", _size(events * seconds * each.event), "none"
    yield (
        "Redis saturates a core",
        f"{1e6 / each.claim:,.0f} claims/s",
        "100 %",
        _share(1e6 / each.claim / nodes * (each.reconnect + each.claim_node)),
    )


def _claims(title: str, rate: float, nodes: int, each: Constants) -> tuple[str, str, str, str]:
    node = rate / nodes * (each.reconnect + each.claim_node)
    return title, f"{rate:,.0f} claims/s", _share(rate * each.claim), _share(node)


def _share(microseconds: float) -> str:
    """Return the part of a core that so many µs of CPU a second are."""
    return f"{microseconds / 1e4:.2g} % of a core" if microseconds < 1e6 else f"{microseconds / 1e6:.1f} cores"


def _size(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 1e3:.3g} KB"


def constants_table(each: Constants) -> list[str]:
    """Return the lines of the table of constants in Markdown."""
    rows = (
        ("Claim", f"{each.claim:g} µs of Redis, {each.claim_node:g} µs of the node"),
        ("Lookup", f"{each.find:g} µs of Redis"),
        ("Call over Redis, without the lookup", f"{each.call:g} µs of Redis"),
        ("Renewal, each bucket", f"{each.renewal:g} µs of Redis, {each.renewal_node:g} µs of the node"),
        ("Check of a station", f"{each.check:g} µs of Redis"),
        ("Entry of a station", f"{each.station:g} bytes of Redis"),
        ("Idle connection", f"{each.connection:,g} bytes of the node"),
        ("Reconnect with TLS and Basic auth, without the claim", f"{each.reconnect:g} µs of the node"),
        ("Message in a stream of events", f"{each.event:g} bytes of Redis"),
    )
    return ["| Constant | Measured |", "|---|---|", *(f"| {title} | {value} |" for title, value in rows)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=Fleet.stations)
    parser.add_argument("--nodes", type=int, default=Fleet.nodes)
    parser.add_argument("--lease", type=float, default=Fleet.lease, help="seconds")
    options = parser.parse_args(arguments)
    fleet = Fleet(options.stations, options.nodes, options.lease)
    print("\n".join([*constants_table(CONSTANTS), "", *table(fleet, CONSTANTS)]))


if __name__ == "__main__":
    main()
