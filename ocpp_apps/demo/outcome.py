"""What came of the demo: whether every step of the story happened, at every station, as it should."""

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
"""The code for a payload that lacks a required field, as each version spells it."""
_UNKNOWN: Final = "NotImplemented"


def is_meter_value(record: Record) -> bool:
    """Whether this is a meter value of a charging session that the central system took."""
    sampled = record.name == "MeterValues" or (record.name == "TransactionEvent" and "Updated" in record.about)
    return record.kind == "exchange" and sampled and not record.error


class Story(NamedTuple):
    """What is known of one station."""

    protocol: str
    told: list[Record]
    """By the station, and by the cable."""
    served: list[Record]
    """By the server."""

    def calls(self, *names: str, about: str = "", arrow: str = FROM_STATION) -> list[Record]:
        """Give the CALLs by the station that were answered by a CALLRESULT."""
        return [
            record
            for record in self.told
            if record.kind == "exchange" and record.arrow == arrow and record.name in names
            if about in record.about and not record.error
        ]

    def commands(self, *names: str) -> list[Record]:
        """Give the CALLs to the station that were answered so that it will do it."""
        records = (record for record in self.served if record.arrow == TO_STATION and record.name in names)
        return [record for record in records if not record.error and "Accepted" in record.answer]

    def links(self, name: str) -> list[Record]:
        """Give what became of the connection."""
        return [record for record in self.told if record.kind == "link" and record.name == name]

    @property
    def errors(self) -> list[str]:
        """The CALLERRORs that the station got, in order."""
        return [record.error for record in self.told if record.error]


Step: TypeAlias = Callable[[Story], str | None]
"""Gives what to show in the summary, None if the step is missing."""


def _took(records: list[Record], times: int = 1) -> str | None:
    if len(records) < times:
        return None
    return f"{records[0].latency * 1000:.1f} ms" if records[0].latency is not None else "ok"


def _read(story: Story) -> str | None:
    read = [record for record in story.served if record.name in ("GetConfiguration", "GetVariables")]
    return _took([record for record in read if not record.error and "300" in record.answer])


def _outage(story: Story) -> str | None:
    """Measure from the cut to the first open connection after it."""
    for cut in story.links("cable cut"):
        lost = any(record.at >= cut.at for record in story.links("connection lost"))
        back = [record.at for record in story.links("open") if record.at > cut.at]
        if lost and back:
            return f"{back[0] - cut.at:.2f} s"
    return None


def _values(story: Story) -> str | None:
    """Count at the server: what was taken during the outage must have arrived as well."""
    arrived = sum(1 for record in story.served if is_meter_value(record))
    return f"{arrived} arrived" if arrived >= SAMPLES else None


def _sends(story: Story) -> str | None:
    if story.protocol != "ocpp2.1":
        return "-"
    arrived = sum(1 for record in story.served if record.kind == "send")
    return f"{arrived} arrived" if arrived else None


def _refused(position: int, code: Callable[[Story], str]) -> Step:
    """Expect this code as the CALLERROR at this position, and no more CALLERRORs than two."""

    def step(story: Story) -> str | None:
        errors = story.errors
        return "refused" if len(errors) == 2 and errors[position] == code(story) else None

    return step


STEPS: Final[Mapping[str, Step]] = {
    "boot": lambda story: _took(
        story.calls("BootNotification", about="" if story.protocol == "ocpp1.6" else "PowerUp")
    ),
    "status": lambda story: _took(story.calls("StatusNotification"), times=3),
    "heartbeat": lambda story: _took(story.calls("Heartbeat")),
    "invalid message": _refused(0, lambda story: REFUSALS[story.protocol]),
    "unknown action": _refused(1, lambda _: _UNKNOWN),
    "setting read": _read,
    "setting changed": lambda story: _took(story.commands("ChangeConfiguration", "SetVariables")),
    "remote start": lambda story: _took(story.commands("RemoteStartTransaction", "RequestStartTransaction")),
    "authorize": lambda story: _took(story.calls("Authorize")),
    "session begins": lambda story: _took(
        story.calls("StartTransaction") or story.calls("TransactionEvent", about="Started")
    ),
    "meter values": _values,
    "SEND": _sends,
    "cable cut, back after": _outage,
    "session ends": lambda story: _took(
        story.calls("StopTransaction") or story.calls("TransactionEvent", about="Ended")
    ),
    "reset": lambda story: _took(story.commands("Reset")),
    "boot again": lambda story: _took(story.calls("BootNotification")[1:]),
    "closed": lambda story: "ok" if len(story.links("closed")) == 2 else None,
}


@dataclass
class Outcome:
    """Collects what happened, and judges it."""

    stations: Mapping[str, str]
    """Subprotocols by identity."""
    exit_codes: dict[str, int] = field(default_factory=dict)
    """By identity, and of the `server`."""
    seconds: float = 0.0
    _stories: dict[str, Story] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._stories = {identity: Story(protocol, [], []) for identity, protocol in self.stations.items()}

    def add(self, record: Record, *, by_server: bool) -> None:
        """Take note of a record."""
        story = self._stories.get(record.station)
        if story is not None:
            (story.served if by_server else story.told).append(record)

    def missing(self) -> list[str]:
        """Say what did not happen, or not as it should."""
        return [*self._missing_steps(), *self._missing_ends()]

    def _missing_steps(self) -> Iterator[str]:
        for identity, story in self._stories.items():
            yield from (f"{identity}: {name}" for name, step in STEPS.items() if step(story) is None)

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
            cells = [step(story) for story in self._stories.values()]
            style = "error" if None in cells else "good"
            printer.line(printer.paint(style, _row(name, [cell or "MISSING" for cell in cells])))
        printer.line()
        for line in self._figures():
            printer.line(line)

    def _figures(self) -> Iterator[str]:
        told = [record for story in self._stories.values() for record in story.told if record.kind == "exchange"]
        times = [
            record.latency * 1000 for record in told if record.latency is not None and record.arrow == FROM_STATION
        ]
        for protocol, errors in ((story.protocol, story.errors) for story in self._stories.values()):
            yield f"CALLERRORs on {protocol + ':':<11} {', '.join(errors)}"
        if times:
            yield (
                f"{len(told)} CALLs answered in both directions; from station to answer "
                f"{median(times):.1f} ms (median), {max(times):.1f} ms (slowest)"
            )


def _row(name: str, cells: list[str]) -> str:
    return f"{name:<24}" + "".join(f"{cell:<14}" for cell in cells)
