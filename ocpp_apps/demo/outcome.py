"""The outcome of the demo: which steps of the scenario happened at which station."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final, NamedTuple, TypeAlias

from .log import FROM_STATION, TO_STATION, Printer, Record
from .plan import SAMPLES

__all__ = ["REFUSALS", "Outcome", "is_meter_value"]

REFUSALS: Final[Mapping[str, str]] = {
    "ocpp1.6": "OccurenceConstraintViolation",  # sic: OCPP-J 1.6 §4.2.3 spells it so
    "ocpp2.0.1": "OccurrenceConstraintViolation",
    "ocpp2.1": "OccurrenceConstraintViolation",
}
"""Error code for a payload without a required field, in the spelling of each version."""
_UNKNOWN: Final = "NotImplemented"


def is_meter_value(record: Record) -> bool:
    """Return True if this is a meter value that the central system accepted."""
    sampled = record.name == "MeterValues" or (record.name == "TransactionEvent" and "Updated" in record.about)
    return record.kind == "exchange" and sampled and not record.error


class StationRecords(NamedTuple):
    """The records of one station."""

    protocol: str
    own: list[Record]
    """Records from the station and from the cable."""
    served: list[Record]
    """Records from the server."""

    def calls(self, *names: str, about: str = "", arrow: str = FROM_STATION) -> list[Record]:
        """Return the CALLs of the station that received a CALLRESULT."""
        return [
            record
            for record in self.own
            if record.kind == "exchange" and record.arrow == arrow and record.name in names
            if about in record.about and not record.error
        ]

    def commands(self, *names: str) -> list[Record]:
        """Return the CALLs to the station that it accepted."""
        records = (record for record in self.served if record.arrow == TO_STATION and record.name in names)
        return [record for record in records if not record.error and "Accepted" in record.answer]

    def links(self, name: str) -> list[Record]:
        """Return the changes of the connection with this name."""
        return [record for record in self.own if record.kind == "link" and record.name == name]

    @property
    def errors(self) -> list[str]:
        """The CALLERRORs that the station received, in order."""
        return [record.error for record in self.own if record.error]


Step: TypeAlias = Callable[[StationRecords], str | None]
"""Returns the text for the summary, or None if the step is missing."""


def _latency_of(records: list[Record], times: int = 1) -> str | None:
    if len(records) < times:
        return None
    return f"{records[0].latency * 1000:.1f} ms" if records[0].latency is not None else "ok"


def _read(station: StationRecords) -> str | None:
    read = [record for record in station.served if record.name in ("GetConfiguration", "GetVariables")]
    return _latency_of([record for record in read if not record.error and "300" in record.answer])


def _outage(station: StationRecords) -> str | None:
    """Return the time from the cut to the next open connection."""
    for cut in station.links("cable cut"):
        lost = any(record.at >= cut.at for record in station.links("connection lost"))
        back = [record.at for record in station.links("open") if record.at > cut.at]
        if lost and back:
            return f"{back[0] - cut.at:.2f} s"
    return None


def _values(station: StationRecords) -> str | None:
    """Count the meter values at the server, which must include those of the outage."""
    arrived = sum(1 for record in station.served if is_meter_value(record))
    return f"{arrived} arrived" if arrived >= SAMPLES else None


def _sends(station: StationRecords) -> str | None:
    if station.protocol != "ocpp2.1":
        return "-"
    arrived = sum(1 for record in station.served if record.kind == "send")
    return f"{arrived} arrived" if arrived else None


def _refused(position: int, code: Callable[[StationRecords], str]) -> Step:
    """Return a step that expects this code at this position, and exactly two CALLERRORs."""

    def step(station: StationRecords) -> str | None:
        errors = station.errors
        return "refused" if len(errors) == 2 and errors[position] == code(station) else None

    return step


STEPS: Final[Mapping[str, Step]] = {
    "boot": lambda station: _latency_of(
        station.calls("BootNotification", about="" if station.protocol == "ocpp1.6" else "PowerUp")
    ),
    "status": lambda station: _latency_of(station.calls("StatusNotification"), times=3),
    "heartbeat": lambda station: _latency_of(station.calls("Heartbeat")),
    "invalid message": _refused(0, lambda station: REFUSALS[station.protocol]),
    "unknown action": _refused(1, lambda _: _UNKNOWN),
    "setting read": _read,
    "setting changed": lambda station: _latency_of(station.commands("ChangeConfiguration", "SetVariables")),
    "remote start": lambda station: _latency_of(station.commands("RemoteStartTransaction", "RequestStartTransaction")),
    "authorize": lambda station: _latency_of(station.calls("Authorize")),
    "session begins": lambda station: _latency_of(
        station.calls("StartTransaction") or station.calls("TransactionEvent", about="Started")
    ),
    "meter values": _values,
    "SEND": _sends,
    "cable cut, back after": _outage,
    "session ends": lambda station: _latency_of(
        station.calls("StopTransaction") or station.calls("TransactionEvent", about="Ended")
    ),
    "reset": lambda station: _latency_of(station.commands("Reset")),
    "boot again": lambda station: _latency_of(station.calls("BootNotification")[1:]),
    "closed": lambda station: "ok" if len(station.links("closed")) == 2 else None,
}


@dataclass
class Outcome:
    """The records of all stations, and what is missing in them."""

    stations: Mapping[str, str]
    """Subprotocols by identity."""
    exit_codes: dict[str, int] = field(default_factory=dict)
    """Exit codes by identity, and that of the `server`; None if a process did not end in time."""
    seconds: float = 0.0
    _records: dict[str, StationRecords] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._records = {identity: StationRecords(protocol, [], []) for identity, protocol in self.stations.items()}

    def add(self, record: Record, *, by_server: bool) -> None:
        """Add a record."""
        station = self._records.get(record.station)
        if station is not None:
            (station.served if by_server else station.own).append(record)

    def missing(self) -> list[str]:
        """Return the steps that are missing, and the processes that failed."""
        return [*self._missing_steps(), *self._missing_ends()]

    def _missing_steps(self) -> Iterator[str]:
        for identity, station in self._records.items():
            yield from (f"{identity}: {name}" for name, step in STEPS.items() if step(station) is None)

    def _missing_ends(self) -> Iterator[str]:
        for name in (*self.stations, "server"):
            code = self.exit_codes.get(name)
            if code != 0:
                yield f"{name}: {'did not end in time' if code is None else f'ended with exit code {code}'}"

    def show(self, printer: Printer) -> None:
        """Write the closing summary."""
        printer.line()
        printer.line(printer.paint("heading", _row("", list(self.stations))))
        printer.line(_row("protocol", list(self.stations.values())))
        for name, step in STEPS.items():
            cells = [step(station) for station in self._records.values()]
            style = "error" if None in cells else "good"
            printer.line(printer.paint(style, _row(name, [cell or "MISSING" for cell in cells])))
        printer.line()
        for line in self._figures():
            printer.line(line)

    def _figures(self) -> Iterator[str]:
        own = [record for station in self._records.values() for record in station.own if record.kind == "exchange"]
        times = [record.latency * 1000 for record in own if record.latency is not None and record.arrow == FROM_STATION]
        for protocol, errors in ((station.protocol, station.errors) for station in self._records.values()):
            yield f"CALLERRORs on {protocol + ':':<11} {', '.join(errors)}"
        if times:
            yield (
                f"{len(own)} CALLs answered in both directions; from station to answer "
                f"{median(times):.1f} ms (median), {max(times):.1f} ms (slowest)"
            )


def _row(name: str, cells: list[str]) -> str:
    return f"{name:<24}" + "".join(f"{cell:<14}" for cell in cells)
