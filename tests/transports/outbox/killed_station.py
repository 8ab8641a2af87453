"""The station that `kills.py` kills: an outbox, a SQLite store, and pipes to its peer instead of a connection."""

import json
import queue
import sqlite3
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from ocpp_core.outbox.commands import Enqueue, Restored, StoreBack, Stored, StoreFailed
from ocpp_core.outbox.effects import OutboxEffect, Store, TicketAccepted, TicketSettled, Transmit
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_transports.outbox import _database, _sqlite


def say(*words: Any) -> None:
    print(json.dumps(words), flush=True)


class Station:
    def __init__(self, path: Path, first: int, messages: int) -> None:
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._numbers = count(first)
        self._left = messages
        self._number_of: dict[int, int] = {}
        self._starts: list[int] = []
        self._store = _sqlite.SQLiteStore(path, spare=0)
        config = OutboxConfig(gate="open")
        self.outbox = Outbox(
            config, 100_000, ids=lambda: uuid4().hex, emit=self._perform, changed=lambda: None
        )  # nothing is dropped
        state = self._store.open(self._inbox.put)
        threading.Thread(target=self._read, daemon=True).start()
        self._restore(state)

    def _restore(self, state: Restored) -> None:
        for record in state.records:
            self._number_of[record.ticket] = json.loads(record.payload)["n"]
        for kept in state.outcomes:
            self._number_of[kept.ticket] = int(kept.key or 0)
        self.outbox.restore(state, time.monotonic())
        self.outbox.opened("ocpp1.6", time.monotonic())

    def _read(self) -> None:
        for line in sys.stdin:
            self._inbox.put(json.loads(line))

    def run(self) -> None:
        self._settle()
        while self._left or len(self.outbox):
            if self._left:
                self._left -= 1
                self._enqueue()
            else:
                self._take(self._inbox.get())
            while not self._inbox.empty():
                self._take(self._inbox.get())
        self._store.close()
        while not self._inbox.empty():  # the last outcomes are durable now
            self._take(self._inbox.get())

    def _take(self, event: Any) -> None:
        match event:
            case Stored(number):
                self.outbox.stored(number)
            case StoreFailed(number, error):
                self.outbox.store_failed(number, error)
            case StoreBack():
                self.outbox.store_back()
            case [message_id, content]:
                self.outbox.answered(message_id, json.dumps(content))
        self._settle()

    def _enqueue(self) -> None:
        number = next(self._numbers)
        say("next", number)
        if self._starts and number % 3:
            start = self._starts[-1]
            payload = {"n": number, "connectorId": 1, "start": self._number_of[start]}
            command = Enqueue(action="MeterValues", payload=payload, transaction=start, key=str(number))
        else:
            command = Enqueue(action="StartTransaction", payload={"n": number}, key=str(number))
        ticket = self.outbox.enqueue(command, time.monotonic())
        self._number_of[ticket] = number
        if command.transaction is None:
            self._starts.append(ticket)
        self._settle()

    def _settle(self) -> None:
        self.outbox.take(time.monotonic())
        self.outbox.flush()

    def _perform(self, effect: OutboxEffect) -> None:
        match effect:
            case Store():
                self._store.submit(effect)
            case TicketAccepted(ticket):
                say("accepted", self._number_of[ticket])
            case TicketSettled(ticket, outcome):
                say("settled", self._number_of[ticket], type(outcome).__name__)
            case Transmit(ticket, message_id, _, payload):
                say("sent", self._number_of[ticket], message_id, json.loads(payload))
            case _:
                pass


def checkpoint_often() -> None:
    """Let kills meet checkpoints too: by default there is one in hundreds of messages."""
    prepare = _database.Database._prepare

    def prepared(self: _database.Database, connection: sqlite3.Connection) -> None:
        prepare(self, connection)
        connection.execute("PRAGMA wal_autocheckpoint = 8")

    _database.Database._prepare = prepared  # type: ignore[method-assign]  # for this process only


if __name__ == "__main__":
    say("ready", 0)
    if int(sys.argv[2]) % 2:
        checkpoint_often()
    Station(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])).run()
