"""A client with an outbox, for tests: its store is in time unless a test holds it."""

from random import Random
from typing import Any

from ocpp_core.actions import OutboxChanged
from ocpp_core.client_states import Waiting
from ocpp_core.config import ClientConfig, SessionConfig
from ocpp_core.durable.client import DurableClientEngine
from ocpp_core.inputs import Connect, TransportLost, TransportOpened
from ocpp_core.outbox.commands import (
    Enqueue,
    Restored,
    Stored,
)
from ocpp_core.outbox.effects import OutboxEffect, Store, TicketSettled
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import (
    MessageOutcome,
)
from ocpp_core.outbox.stored.records import OutboxSnapshot
from tests.core.player import Player, counting_ids
from tests.kinds import only

RESULT = '[3,"%s",%s]'
ERROR = '[4,"%s","InternalError","no",{}]'


class Station(Player):
    """A client with an outbox and a store that is in time, unless a test sets `holds`."""

    engine: DurableClientEngine

    def __init__(self, *, session: SessionConfig | None = None, client: Any = None, **settings: Any) -> None:
        config = ClientConfig(**{"protocols": ("ocpp1.6",), "session": session or SessionConfig(), **(client or {})})
        outbox = OutboxConfig(**{"gate": "open", **settings})
        super().__init__(DurableClientEngine(config, outbox, random=Random(1), ids=counting_ids()))
        self.attempt = 0
        self.holds = False
        self.effects: list[OutboxEffect] = []
        self.batches: list[Store] = []
        self.disk = OutboxSnapshot()
        self.play(Restored(wall=0.0, first_ticket=100))

    def drain(self) -> list[Any]:
        done = super().drain()
        if OutboxChanged() in done:
            done.remove(OutboxChanged())
            self._drain_outbox()
        return done if self.holds else done + self.commit()

    def _drain_outbox(self) -> None:
        while (effect := self.engine.poll_outbox()) is not None:
            self.effects.append(effect)
            if isinstance(effect, Store):
                self.batches.append(effect)

    def commit(self) -> list[Any]:
        batches, self.batches = self.batches, []
        done = []
        for batch in batches:
            self.disk.apply(batch.operations)
            done += self.play(Stored(batch.number))
        return done

    def connect(self) -> list[Any]:
        self.attempt += 1
        return self.play(Connect(1000), TransportOpened("ocpp1.6", attempt=self.attempt))

    def come_back(self) -> list[Any]:
        self.attempt += 1
        self.wait(only(Waiting, [self.engine.state]).until - self.now)
        return self.play(TransportOpened("ocpp1.6", attempt=self.attempt))

    def lose(self) -> list[Any]:
        return self.play(TransportLost(attempt=self.attempt))

    def enqueue(self, action: str = "DataTransfer", payload: Any = None, **options: Any) -> list[Any]:
        return self.play(Enqueue(action=action, payload=payload or {}, **options))

    def answer(self, message_id: str, payload: str = "{}") -> list[Any]:
        return self.hear(RESULT % (message_id, payload), attempt=self.attempt)

    @property
    def outcomes(self) -> dict[int, MessageOutcome]:
        return {effect.ticket: effect.outcome for effect in self.effects if isinstance(effect, TicketSettled)}
