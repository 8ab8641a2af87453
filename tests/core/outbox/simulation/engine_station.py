"""The station of the simulation with the client engine and its real session, instead of a session as far as needed."""

import json
from random import Random
from typing import Any

from ocpp_core.actions import OpenTransport, OutboxChanged, SendText
from ocpp_core.backoff import ExponentialBackoff
from ocpp_core.config import ClientConfig, SessionConfig
from ocpp_core.durable.client import DurableClientEngine
from ocpp_core.inputs import Connect, StartCall, TextReceived, Tick, TransportLost, TransportOpened
from ocpp_core.outbox.effects import Transmit
from ocpp_core.outbox.stored.outcomes import MessageUnknown

from .peer import Answer
from .station import Pending, Station

_TOKENS = 1 << 40


class EngineStation(Station):
    engine: DurableClientEngine

    def start(self, *, clock_jumped: bool = False) -> None:
        self._attempt: int | None = None
        self._tokens = _TOKENS
        super().start(clock_jumped=clock_jumped)
        self._watch()
        self.engine.handle(Connect(1), self._timeline.now)
        self.settle()

    def _make_outbox(self) -> None:
        session = SessionConfig(call_timeout=self._scenario.timeout, call_concurrency=self._scenario.window)
        backoff = ExponentialBackoff(minimum=0.001, maximum=0.001)
        client = ClientConfig(
            protocols=("ocpp1.6",),
            session=session,
            backoff=backoff,
            connect_timeout=1e9,
            offline_queue=False,
            offline_queue_size=self.size,
        )
        self.engine = DurableClientEngine(client, self.config, random=Random(1), ids=self._new_id)
        self.outbox = self.engine.outbox

    def _watch(self) -> None:
        """Let the oracle see the session take a slot for a message, and report failures and cuts."""
        messages = self.outbox._messages
        fail, cut, take = messages.fail, messages.cut, self.outbox.take

        def failed(entry: Any, outcome: Any, now: float) -> None:
            self._oracle.failed(entry.record.ticket, in_doubt=isinstance(outcome, MessageUnknown))
            fail(entry, outcome, now)

        def cut_off(entry: Any, reason: Any, now: float) -> None:
            self._oracle.cut(entry.record.ticket, self.config.free_cuts)
            cut(entry, reason, now)

        def took(now: float, **waiting: bool) -> bool:
            is_taken = take(now, **waiting)
            if is_taken:
                self._note_taken()
            return is_taken

        vars(messages).update(fail=failed, cut=cut_off)
        vars(self.outbox).update(take=took)

    @property
    def deadline(self) -> float:
        return self.engine.deadline

    def _report(self, process: int, kind: str, number: int) -> None:
        self.engine._now = self._timeline.now  # as `handle` does
        super()._report(process, kind, number)

    # The connection

    def connect(self) -> None:
        if self._attempt is None:
            return
        self.connection, self._attempt = self._attempt, None
        self._is_broken = False
        self._resumes_at = self._timeline.now + self.config.resume_after
        self.engine.handle(TransportOpened("ocpp1.6", attempt=self.connection), self._timeline.now)
        self.settle()

    def lose(self) -> None:
        attempt, self.connection = self.connection, None
        self._pending.clear()
        self.engine.handle(TransportLost(attempt=attempt or 0), self._timeline.now)
        self.settle()

    # The session

    def tick(self) -> None:
        self.engine.handle(Tick(), self._timeline.now)
        self.settle()

    def settle(self) -> None:
        self.engine._now = self._timeline.now
        for _ in range(self.live):
            self._tokens += 1
            self.engine.handle(StartCall(self._tokens, "Heartbeat", {"n": 0}), self._timeline.now)
        self.live = 0
        self.engine._fill()
        while (action := self.engine.poll()) is not None:
            if isinstance(action, OutboxChanged):
                self._perform_all()
            elif isinstance(action, SendText):
                self._sent(json.loads(action.text))
            elif isinstance(action, OpenTransport):
                self._attempt = action.attempt

    def _perform_all(self) -> None:
        while (effect := self.engine.poll_outbox()) is not None:
            self._perform(effect)

    def _sent(self, frame: list[Any]) -> None:
        _, message_id, action, payload = frame
        self._forget_timed_out()
        if payload["n"]:
            ticket = self._oracle.numbers[payload["n"]]
            self._transmit(Transmit(ticket, message_id, action, json.dumps(payload)))
        else:
            self._note_call()
            self._write(message_id, payload, None)

    def _receive(self, connection: int | None, message_id: str, answer: Answer) -> None:
        if self._is_broken or not self.is_alive or connection != self.connection or connection is None:
            return
        self._pending.pop(message_id, None)
        content = answer[1] if answer[0] == "result" else f'"{answer[1]}","",{{}}'
        text = f'[{3 if answer[0] == "result" else 4},"{message_id}",{content}]'
        self.engine.handle(TextReceived(text, connection), self._timeline.now)
        self.settle()

    def _time_out(self, connection: int | None, message_id: str, pending: Pending) -> None:
        """Leave timeouts to the session."""

    def _forget_timed_out(self) -> None:
        now, timeout = self._timeline.now, self._scenario.timeout
        self._pending = {key: each for key, each in self._pending.items() if now < each.written_at + timeout}
