"""The log of the demo: one record per line, aligned for people or as JSON for programs."""

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
"""Stations with a colour of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A message or a change of a connection. `arrow` is empty unless it is a message."""

    at: float
    """Seconds since the epoch."""
    station: str
    kind: Literal["exchange", "send", "link", "listening"]
    """A CALL with its response, a SEND, a change of the connection, or the start of the server."""
    name: str
    """The action, or the change of the connection."""
    arrow: str = ""
    about: str = ""
    """Summary of the request, or the URL of a listening server."""
    answer: str = ""
    """Summary of the CALLRESULT, or the description of the CALLERROR."""
    error: str = ""
    """Code of the CALLERROR; empty without one."""
    latency: float | None = None
    """Seconds from the CALL to its response."""

    @property
    def text(self) -> str:
        """The text that people read beside the name."""
        outcome = f"CALLERROR {self.error} ({self.answer})" if self.error else self.answer
        return ": ".join(part for part in (self.about, outcome) if part)


Write: TypeAlias = Callable[[Record], None]
"""Receives a record."""


class RecordLog:
    """Creates records and passes them to a writer."""

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
    """Parse a line that `write_json` wrote. Raises ValueError or TypeError for any other line."""
    return Record(**json.loads(line))


_Paint: TypeAlias = Callable[[str, str], str]
"""`paint(style, text)` returns the text with the escape codes of that style."""


def _colours_of(stream: TextIO) -> _Paint:
    """Return a function that paints on a terminal, unless NO_COLOR (no-color.org) is set."""
    is_coloured = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    if not is_coloured:
        return lambda _, text: text
    return lambda style, text: f"\x1b[{_STYLES.get(style, style)}m{text}\x1b[0m" if text.strip() else text


class Printer:
    """Writes records for people: time, station, arrow, action, latency, text."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.paint: _Paint = _colours_of(stream)
        self._free_colours = cycle(_STATIONS)
        self._colours: dict[str, str] = {}

    def __call__(self, record: Record) -> None:
        """Write a record, and a heading before the first one."""
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
