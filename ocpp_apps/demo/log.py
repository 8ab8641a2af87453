"""The log of the demo: one record a line, aligned for people or as JSON for another program."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import cycle
from time import time
from typing import Final, Literal, TextIO, TypeAlias

from ocpp_transports._logging._printable import printable

__all__ = ["FROM_STATION", "TO_STATION", "Printer", "Record", "RecordLog", "Write", "read_record", "write_json"]

FROM_STATION: Final = "->"
TO_STATION: Final = "<-"

_HEADING: Final = f"{'TIME':<12}  {'STATION':<7}      {'ACTION':<26}  {'LATENCY':>9}  WHAT"
_STYLES: Final = {"time": "2", "error": "1;31", "link": "33", "heading": "1", "good": "32"}
_STATIONS: Final = ("36", "35", "34")
_LONGEST: Final = 100
_MOST_STATIONS: Final = 1000
"""Stations whose colours are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something that happened; `arrow` is empty unless a message passed."""

    at: float
    """Seconds since the epoch."""
    station: str
    kind: Literal["exchange", "send", "link", "listening"]
    """A CALL with its answer, a SEND, a change of the connection, or the server's readiness."""
    name: str
    """The action, or what became of the connection."""
    arrow: str = ""
    about: str = ""
    """What the request says, in a few words; of a listening server its URL."""
    answer: str = ""
    """What the answer says, of a CALLERROR its description."""
    error: str = ""
    """The code of a CALLERROR."""
    latency: float | None = None
    """Seconds from CALL to answer."""

    @property
    def text(self) -> str:
        """What a person wants to know beside the name."""
        outcome = f"CALLERROR {self.error} ({self.answer})" if self.error else self.answer
        return ": ".join(part for part in (self.about, outcome) if part)


Write: TypeAlias = Callable[[Record], None]
"""Takes a record."""


class RecordLog:
    """Makes records and hands them on."""

    def __init__(self, write: Write) -> None:
        self.write = write

    def link(self, station: str, name: str, about: str = "") -> None:
        """Log a change of a station's connection."""
        self.write(Record(at=time(), station=station, kind="link", name=name, about=about))

    def listening(self, url: str) -> None:
        """Log the URL of the server that listens."""
        self.write(Record(at=time(), station="server", kind="listening", name="listening", about=url))


def write_json(record: Record) -> None:
    """Write a record for another program."""
    sys.stdout.write(json.dumps(asdict(record)) + "\n")
    sys.stdout.flush()


def read_record(line: str) -> Record:
    """Read what `write_json` wrote. Raises ValueError or TypeError for anything else."""
    return Record(**json.loads(line))


_Paint: TypeAlias = Callable[[str, str], str]
"""`paint(style, text)` gives the text in that style."""


def _colours_of(stream: TextIO) -> _Paint:
    """Paint on a terminal only, and not where NO_COLOR (no-color.org) is set."""
    is_coloured = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    if not is_coloured:
        return lambda _, text: text
    return lambda style, text: f"\x1b[{_STYLES.get(style, style)}m{text}\x1b[0m" if text.strip() else text


class Printer:
    """Writes records for people: time, station, arrow, action, latency, text."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.paint = _colours_of(stream)
        self._free_colours = cycle(_STATIONS)
        self._colours: dict[str, str] = {}

    def __call__(self, record: Record) -> None:
        """Write a record, the first one below a heading."""
        if not self._colours:
            self.line(self.paint("heading", _HEADING))
        self.line(self._format(record))

    def line(self, text: str = "") -> None:
        """Write a line."""
        self._stream.write(text.rstrip() + "\n")
        self._stream.flush()

    def _colour_of(self, station: str) -> str:
        if station not in self._colours and len(self._colours) < _MOST_STATIONS:
            self._colours[station] = next(self._free_colours)
        return self._colours.get(station, _STATIONS[0])

    def _format(self, record: Record) -> str:
        latency = "" if record.latency is None else f"{record.latency * 1000:.1f} ms"
        style = "error" if record.error else "link" if record.kind == "link" else ""
        name, text = f"{printable(record.name):<26}", printable(record.text, _LONGEST)
        return "  ".join(
            (
                self.paint("time", datetime.fromtimestamp(record.at).strftime("%H:%M:%S.%f")[:-3]),  # noqa: DTZ006 - as on the reader's clock
                self.paint(self._colour_of(record.station), f"{printable(record.station):<7}"),
                f"{record.arrow:<2}",
                self.paint(style, name) if style else name,
                self.paint("time", f"{latency:>9}"),
                self.paint(style, text) if style else text,
            )
        )
