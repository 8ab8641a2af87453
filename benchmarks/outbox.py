"""Durable messages a second: an outbox with a SQLite store, beside the syncs a second of the same disk.

Each round measures the bare disk, then every setting, so that neighbours in time share the noise of the machine. An
accepted message is stored and removed again; so many wait for the store at a time. A delivered message is answered at
once, and the next one is sent when its mark is durable: one at a time, whatever waits.

    python benchmarks/outbox.py [--directory .] [--rounds 7] [--seconds 1]
"""

import argparse
import os
import sys
import time
from collections import deque
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from benchmarks.runner import say
from benchmarks.samples import spread
from ocpp_core.outbox.commands import Enqueue, Stored
from ocpp_core.outbox.effects import Store, TicketAccepted, TicketSettled, Transmit
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_transports.outbox import SQLiteStore

_PAGE: Final = bytes(4096)
_SAMPLE: Final = {"value": "12345.6", "context": "Sample.Periodic", "measurand": "Energy.Active.Import.Register"}
_METERING: Final = {
    "connectorId": 1,
    "transactionId": 17,
    "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{**_SAMPLE, "unit": "Wh"}] * 3}],
}
Synchronous: TypeAlias = Literal["full", "normal"]


class Setting(NamedTuple):
    """What one run measures."""

    synchronous: Synchronous
    waiting: int
    online: bool = False

    def __str__(self) -> str:
        what = f"delivered, {self.waiting} queued" if self.online else f"accepted, {self.waiting} waiting"
        return f'synchronous="{self.synchronous}", {what}'


SETTINGS: Final = [
    setting
    for synchronous in get_args(Synchronous)
    for setting in (*(Setting(synchronous, waiting) for waiting in (1, 16, 256)), Setting(synchronous, 16, online=True))
]


class Owner:
    """An outbox with its store, whose owner does nothing else."""

    def __init__(self, path: Path, synchronous: Synchronous, *, online: bool) -> None:
        self._reports: SimpleQueue[Any] = SimpleQueue()
        self._effects: deque[Any] = deque()
        ids = count(1)
        config = OutboxConfig(gate="open")
        self.outbox = Outbox(config, 1000, ids=lambda: f"{next(ids)}", emit=self._effects.append, changed=lambda: None)
        self._store = SQLiteStore(path, synchronous=synchronous)
        self.outbox.restore(self._store.open(self._reports.put), 0.0)
        self._is_online = online
        self.done = 0
        """Messages that were accepted, or delivered."""
        if online:
            self.outbox.opened("ocpp1.6", 0.0)

    def _enqueue(self) -> None:
        self.outbox.enqueue(Enqueue(action="MeterValues", payload=_METERING), 0.0)

    def run(self, seconds: float, waiting: int) -> float:
        """Keep so many messages waiting; return how many were done a second."""
        for _ in range(waiting):
            self._enqueue()
        self._perform()
        begun = now = time.perf_counter()
        while now < begun + seconds:
            report = self._reports.get()
            if not isinstance(report, Stored):
                sys.exit(f"the store failed: {report}")
            self.outbox.stored(report.number)
            self._perform()
            now = time.perf_counter()
        self._store.close()
        return self.done / (now - begun)

    def _perform(self) -> None:
        """Perform the outputs of one input, and what follows from them: all changes are one batch."""
        while True:
            self.outbox.take(0.0)
            if not self._effects:
                self.outbox.flush()
            if not self._effects:
                return
            self._perform_one(self._effects.popleft())

    def _perform_one(self, effect: Any) -> None:
        match effect:
            case Store():
                self._store.submit(effect)
            case Transmit(_, message_id):
                self.outbox.answered(message_id, "{}")
            case TicketAccepted(ticket) if not self._is_online:
                self.outbox.cancel(ticket)
                self._count()
            case TicketSettled(ticket):
                self.outbox.acknowledge(ticket)
                if self._is_online:
                    self._count()

    def _count(self) -> None:
        self.done += 1
        self._enqueue()


def syncs_a_second(directory: Path, seconds: float) -> float:
    """Append a page and wait for the disk, again and again."""
    path = directory / "syncs"
    done, begun, now = 0, time.perf_counter(), 0.0
    with path.open("wb", buffering=0) as file:
        begun = now = time.perf_counter()
        while now < begun + seconds:
            file.write(_PAGE)
            os.fsync(file.fileno())
            done += 1
            now = time.perf_counter()
    path.unlink()
    return done / (now - begun)


def messages_a_second(directory: Path, seconds: float, setting: Setting) -> float:
    """Run one setting with a database of its own."""
    path = directory / "station.db"
    result = Owner(path, setting.synchronous, online=setting.online).run(seconds, setting.waiting)
    for part in directory.iterdir():
        part.unlink()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path(), help="a directory on the disk to measure")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1)
    options = parser.parse_args()
    measured: dict[str, list[float]] = {}
    with TemporaryDirectory(dir=options.directory) as name:
        directory = Path(name)
        for number in range(options.rounds):
            syncs = syncs_a_second(directory, options.seconds)
            measured.setdefault("syncs of the disk", []).append(syncs)
            for setting in SETTINGS:
                result = messages_a_second(directory, options.seconds, setting)
                measured.setdefault(str(setting), []).append(result)
            say(f"round {number + 1}: {syncs:.0f} syncs a second")
    for title, results in measured.items():
        print(f"{spread(results, ',.0f'):>32} a second: {title}")


if __name__ == "__main__":
    main()
