"""The record of one engine: a header, its inputs, what it drew, and a checksum of what it returned.

Each record is one line of JSON. The first one has the version of the format, the settings and the time of making. Then
follow, in order:

    {"at": 5.2, "in": "BytesReceived", "data": …}     an input and its time
    {"raised": "ValueError"}                          the input before was refused; `fault` if that was a fault
    {"poll": ["Dispatch"], "sum": …}                  the polls until the next input
    {"poll": ["SendBytes"], "sum": …, "end": true}    the same, and the last one returned None
    {"poll_outbox": ["Store"], "sum": …}              those of `poll_outbox`
    {"poll": [], "sum": …, "raised": …, "fault": …}   the last one raised
    {"stopped": …}                                    the recording ended before its engine

`random`, `ids`, `numbers` and `others` in a record are what the engine drew since the one before.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from math import inf
from random import Random
from typing import Any, Final

from ocpp_core._json import default
from ocpp_core.actions import StateChanged
from ocpp_core.errors import OCPPError
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.link import Unfinished
from ocpp_core.states import Closed

from ._checksum import checksum
from ._drawn import Drawn, RecordedBucket, RecordedMemory, RecordedRandom, RecordedUnfinished
from ._engines import made_at, settings_of
from ._values import RecordedSettings, without_payloads

__all__ = ["FORMAT", "MISUSES", "Recording", "written"]

MISUSES: Final = (RuntimeError, TypeError, ValueError, OCPPError)
"""What an engine raises for a wrong input, which then changes nothing."""
FORMAT: Final = 1
"""The version of the form of a recording."""


def _stand_in(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else default(value)


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=_stand_in)


def written(record: Mapping[str, Any]) -> str:
    """Return a record as a line, without its end. Raises TypeError or ValueError for a payload that is no JSON."""
    return _ENCODER.encode(record)


class Recording:
    """What is recorded of one engine, which draws from `random`, `ids` and the others made here.

    Args:
        write: Function that gets each line of JSON, without its line end.
        max_bytes: The bytes after which nothing more is recorded: a recording needs its beginning.
        about: Further members of the first line, for readers.
        ended: Called at the end of the recording, if that is before the end of the host: the connection of a server is
            closed, the recording has `max_bytes`, or it is impossible.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        max_bytes: float = inf,
        about: Mapping[str, str] | None = None,
        ended: Callable[[], object] | None = None,
    ) -> None:
        self.is_on: bool = True
        """True while it records."""
        self._write = write
        self._ended = ended
        self._left = self._max_bytes = max_bytes
        self._about = dict(about or {})
        self._settings = RecordedSettings()
        self._drawn = Drawn(self._settings.dump)
        self._polled: list[str] = []
        self._poll = "poll"
        self._sum = 0
        self._is_ending = False

    @property
    def code(self) -> Mapping[str, Any]:
        """The functions, validators and policies that are recorded by name only; `replay` needs them."""
        return self._settings.code

    # What the engine draws from

    def random(self, source: Random) -> Random:
        """Return random numbers of `source`, which are recorded."""
        return RecordedRandom(source, self._drawn)

    def ids(self, source: Callable[[], str]) -> Callable[[], str]:
        """Return a function that returns message IDs of `source`, which are recorded."""
        return self._drawn.each_id(source)

    def numbers(self, source: Iterator[int]) -> Iterator[int]:
        """Return the request numbers of `source`, which are recorded."""
        return self._drawn.each_number(source)

    def answers(self, source: AnswerMemory) -> AnswerMemory:
        """Return the stored answers of `source`; those that this engine learns of are recorded."""
        return RecordedMemory(source, self._drawn)

    def unfinished(self, source: Unfinished) -> Unfinished:
        """Return the memory of unfinished messages of `source`; where it is exceeded is recorded."""
        return RecordedUnfinished(source, self._drawn)

    def bucket(self, source: Any) -> Any:
        """Return the token bucket `source`; where it has no token is recorded."""
        return RecordedBucket(source, self._drawn)

    # What the engine does

    def begin(self, engine: object) -> None:
        """Record the settings of a new engine. Raises TypeError for an engine of an unknown kind."""
        settings = settings_of(engine)
        kind = settings.pop("engine")
        dumped = {name: self._settings.dump(value) for name, value in settings.items()}
        header = {"ocpp_recording": FORMAT, **self._about, "engine": kind, "at": made_at(engine), **dumped}
        self._record(header)

    def input(self, event: Any, now: float, *, direct: bool = False) -> None:
        """Record an input, before the engine has it. One that cannot be recorded ends the recording.

        Args:
            event: The input.
            now: Its time in seconds.
            direct: True for a message that `enqueue` gets.
        """
        if not self.is_on:
            return
        self._end_polls(self._poll)
        record = {"at": now, "in": type(event).__name__}
        if direct:
            record["direct"] = True
        try:
            self._settings.add_fields(record, event)
            self._record(record)
        except Exception as error:  # a value of the application may do anything
            self._stop(f"{type(event).__name__} cannot be recorded: {type(error).__name__}")

    def raised(self, error: BaseException, poll: str | None = None) -> None:
        """Record that the engine raised, for an input or when it was polled."""
        if poll is not None and poll != self._poll:
            self._end_polls(poll)
        record: dict[str, Any] = {} if poll is None else {poll: self._taken(), "sum": self._sum}
        record["raised"] = type(error).__name__
        if poll is not None or not isinstance(error, MISUSES):
            record["fault"] = True
        self._record(record)

    def polled(self, output: object, poll: str) -> None:
        """Record what `poll` returned."""
        if poll != self._poll:
            self._end_polls(poll)
        if output is None:
            self._record({poll: self._taken(), "sum": self._sum, "end": True})
            if self._is_ending and poll == "poll":
                self._end()
            return
        self._sum = checksum(output, self._sum)
        self._polled.append(type(output).__name__)
        if type(output) is StateChanged and isinstance(output.state, Closed):
            self._is_ending = True

    def returned(self, number: int) -> None:
        """Count the result of a direct command."""
        self._sum = checksum(number, self._sum)

    def stop(self, reason: str) -> None:
        """Record that nothing follows, and why."""
        self._end_polls(self._poll)
        self._stop(reason)

    def abandon(self) -> None:
        """Record nothing from now on."""
        self.is_on = self._drawn.is_on = False

    def _end(self) -> None:
        if self.is_on:
            self.abandon()
            if self._ended is not None:
                self._ended()

    def _stop(self, reason: str) -> None:
        self._write(written({"stopped": reason}))
        self._end()

    def _end_polls(self, following: str) -> None:
        if self._polled:
            self._record({self._poll: self._taken(), "sum": self._sum})
        self._poll = following

    def _taken(self) -> list[str]:
        polled, self._polled = self._polled, []
        return polled

    def _record(self, record: dict[str, Any]) -> None:
        if not self.is_on:
            return
        self._drawn.take(record)
        try:
            line = written(record)
        except (TypeError, ValueError, RecursionError):
            line = written(without_payloads(record))
        self._left -= len(line) + 1
        if self._left < 0:
            self._stop(f"the recording has {self._max_bytes:.15g} bytes")
        else:
            self._write(line)
