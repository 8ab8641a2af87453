"""The replay of a recording: a new engine gets the recorded inputs, and what it returns is compared."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import Action
from ocpp_core.outbox.effects import OutboxEffect

from ._checksum import checksum
from ._engines import make_engine
from ._names import INPUTS
from ._recording import FORMAT, MISUSES, written
from ._supplied import KnownOfOthers, ReplayedBucket, supplies_of
from ._values import ReplayedSettings

__all__ = ["Difference", "Replay", "replay", "replayed_again"]

_NO_CODE: Final[Mapping[str, Any]] = MappingProxyType({})
_MOST_SHOWN: Final = 400


@dataclass(frozen=True, slots=True)
class Difference:
    """Where an engine did something else than the recorded one."""

    line: int
    """The line of the recording, from 1."""
    after: str
    """The input before, and its time."""
    expected: str
    """What the recorded engine did."""
    got: str
    """What the new engine did."""

    def __str__(self) -> str:
        return f"line {self.line}, after {self.after}: expected {self.expected}, got {self.got}"


@dataclass(slots=True)
class Replay:
    """What an engine did with a recording."""

    engine: Any
    """The engine, as the recording leaves it."""
    actions: list[Action] = field(default_factory=list)
    """All actions that it returned."""
    effects: list[OutboxEffect] = field(default_factory=list)
    """All outputs of its outbox."""
    difference: Difference | None = None
    """The first difference to the recorded engine; None if there is none. After one, further inputs may have no
    meaning for this engine."""


def replay(recording: str | PathLike[str] | Iterable[str], *, code: Mapping[str, Any] = _NO_CODE) -> Replay:
    """Feed a recording to a new engine with the recorded settings, and compare what it does.

    An exception of the engine that is no refusal of an input is a fault: it is raised here as it was then. If a
    recorded fault does not occur any more, the replay ends where it was, without a difference.

    Args:
        recording: The path of a recording, or its lines.
        code: The functions, validators and policies that the recording has by name only. Validators of the bundled
            schemas need not be passed.

    Returns:
        The engine, its actions, and the first difference.

    Raises:
        ValueError: A line is not a record of this format, or `code` lacks a name.
        OSError: The file cannot be read.
    """
    if isinstance(recording, str | PathLike):
        recording = Path(recording).read_text(encoding="utf-8").splitlines()
    return _Replaying(_read(recording), code).run()


def replayed_again(records: Sequence[Mapping[str, Any]], *, code: Mapping[str, Any] = _NO_CODE) -> list[str]:
    """Return a recording whose inputs were changed, with what the engine does with them now.

    Args:
        records: The lines of the recording, each as an object.
        code: See `replay`.

    Returns:
        The lines. After a fault of the engine they are as before.

    Raises:
        ValueError: The same as `replay`.
    """
    replaying = _Replaying(records, code)
    replaying.is_strict = False
    with suppress(Exception):  # a recorded fault: the records before it are summed
        replaying.run()
    return [written(record) for record in (*replaying.summed, *replaying.rest)]


def _read(lines: Iterable[str]) -> list[dict[str, Any]]:
    records = [_record(number, line) for number, line in enumerate(lines, 1)]
    version = records[0].get("ocpp_recording") if records else None
    if version != FORMAT:
        raise ValueError(f"expected a recording of format {FORMAT}, got {version!r}")
    return records


def _record(number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise ValueError(f"expected a record in line {number}, got {line[:60]!r}")
    return record


class _Replaying:
    """One replay of one recording."""

    def __init__(self, records: Sequence[Mapping[str, Any]], code: Mapping[str, Any]) -> None:
        bucket = ReplayedBucket()
        self._settings = ReplayedSettings(code, bucket)
        header = records[0]
        with _reading("the settings in line 1"):
            known = bucket.known = KnownOfOthers(records, self._settings.load)
            settings = {name: self._settings.load(value) for name, value in header.items()}
            engine = make_engine(settings, float(header["at"]), supplies_of(records, known))
        self.is_strict = True
        """False to note no difference."""
        self.summed: list[Mapping[str, Any]] = [header]
        """The records until here, with the new checksums."""
        self.rest: Sequence[Mapping[str, Any]] = ()
        """The records that are not replayed."""
        self._records = records
        self._replay = Replay(engine)
        self._sum = 0
        self._after = "making the engine"

    def run(self) -> Replay:
        """Feed all records, and return what the engine did."""
        for at in range(1, len(self._records)):
            self.rest = self._records[at:]
            if not self._goes_on(at, self._records[at]):
                break
            self.rest = ()
        return self._replay

    def _goes_on(self, at: int, record: Mapping[str, Any]) -> bool:
        """Replay a record. Return False if a fault that followed it is gone."""
        if "in" in record:
            self.summed.append(record)
            following = self._records[at + 1] if at + 1 < len(self._records) else {}
            ended = following if "raised" in following and not {"poll", "poll_outbox"} & set(following) else {}
            return self._feed(at, record, ended.get("raised"), was_fault=ended.get("fault", False))
        for poll, outputs in (("poll", self._replay.actions), ("poll_outbox", self._replay.effects)):
            if poll in record:
                return self._poll(at, record, poll, outputs)
        if "raised" not in record and "stopped" not in record:
            raise ValueError(f"expected a record in line {at + 1}, got one with {', '.join(record)}")
        self.summed.append(record)
        return True

    def _feed(self, at: int, record: Mapping[str, Any], raised: str | None, *, was_fault: bool) -> bool:
        with _reading(f"an input in line {at + 1}"):
            now = float(record["at"])
            event = self._event(record)
        self._after = f"{record['in']} at {now:.3f} s"
        try:
            if record.get("direct"):
                self._sum = checksum(self._replay.engine.enqueue(event, now), self._sum)
            else:
                self._replay.engine.handle(event, now)
        except MISUSES as error:
            got = type(error).__name__
            if was_fault:
                raise
            if got != raised:
                self._differ(at, raised or "no exception", f"{got}: {error}")
            return True
        if raised is not None and not was_fault:
            self._differ(at, raised, "no exception")
        return not was_fault

    def _event(self, record: Mapping[str, Any]) -> Any:
        cls = INPUTS.get(record["in"])
        if cls is None:
            raise ValueError(f"expected the name of an input, got {record['in']!r}")
        return self._settings.make(cls, record)

    def _poll(self, at: int, record: Mapping[str, Any], poll: str, outputs: list[Any]) -> bool:
        """Poll as often as it was polled, and compare; a recorded fault is raised by the last poll."""
        with _reading(f"polls in line {at + 1}"):
            names, expected = list(map(str, record[poll])), int(record["sum"])
        is_ended, raised = record.get("end", False), record.get("raised")
        got: list[Any] = []
        most = len(names) + (raised is not None)
        while is_ended or len(got) < most:
            output = getattr(self._replay.engine, poll)()
            if output is None:
                break
            got.append(output)
            outputs.append(output)
            self._sum = checksum(output, self._sum)
        self.summed.append({**record, poll: [type(each).__name__ for each in got], "sum": self._sum})
        if raised is not None:
            return False
        self._compare(at, names, expected, got)
        return True

    def _compare(self, at: int, names: list[str], expected: int, got: Sequence[object]) -> None:
        kinds = [type(output).__name__ for output in got]
        if kinds != names:
            self._differ(at, _listed(names), _listed(kinds))
        elif self._sum != expected:
            self._differ(at, f"{_listed(names)} with other contents", repr(got)[:_MOST_SHOWN])

    def _differ(self, at: int, expected: str, got: str) -> None:
        if self._replay.difference is None and self.is_strict:
            self._replay.difference = Difference(at + 1, self._after, expected, got)


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Raise ValueError for content of another form, which is no fault of the engine."""
    try:
        yield
    except (TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"expected {what} in the form of this version, got {type(error).__name__}: {error}") from error


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
