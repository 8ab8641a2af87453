"""The outbox of a station and the memory of a server together: what is repeated after a cut is not handled twice.

The station repeats a message that was cut off with its message ID (`OutboxConfig.retry_id`), and the server keeps its
results by identity, over connections. So each message is handled exactly once.
"""

import json
from collections import Counter
from itertools import count
from random import Random

import pytest

from ocpp_core.actions import Dispatch, SendText
from ocpp_core.config import SessionConfig
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import Reply, TextReceived, TransportLost
from ocpp_core.session import Session
from ocpp_core.versions import OCPP16
from tests.core.durable.station import Station
from tests.core.player import counting_ids

MESSAGES = 12


class Server:
    """A server in time with the station, with one memory of results for all connections."""

    def __init__(self, random: Random) -> None:
        self.handled: Counter[int] = Counter()
        self._random = random
        self._memory = AnswerMemory()
        self._numbers, self._ids = count(1), counting_ids("s")
        self._late: list[tuple[Session, Reply]] = []
        self.connect()

    def connect(self) -> None:
        answers = self._memory.of("CP1")
        config = SessionConfig(answer_window=600.0)
        self._session = Session(config, OCPP16, ids=self._ids, numbers=self._numbers, answers=answers)

    def lose(self) -> None:
        self._session.handle(TransportLost(1006, ""), 0.0)

    def receive(self, text: str) -> list[str]:
        """Handle a message; return the responses, which a slow handler gives later."""
        self._session.handle(TextReceived(text), 0.0)
        return self._drain()

    def finish(self) -> list[str]:
        """Let the slow handlers respond, also those of earlier connections."""
        late, self._late = self._late, []
        for session, reply in late:
            session.handle(reply, 0.0)
        return self._drain()

    def _drain(self) -> list[str]:
        sent = []
        while (action := self._session.poll()) is not None:
            if isinstance(action, Dispatch):
                self.handled[action.payload["n"]] += 1
                self._late.append((self._session, Reply(action.request, {"status": "Accepted"})))
                if self._random.random() < 0.6:
                    session, reply = self._late.pop()
                    session.handle(reply, 0.0)
            elif isinstance(action, SendText):
                sent.append(action.text)
        return sent


class Connection:
    """The wire between a station and a server, which is cut before, between or after CALL and response."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.server = Server(self.random)
        self.station = Station(free_cuts=100)
        self.cuts = 0

    def carry(self, done: list[object]) -> None:
        """Carry what the station sends, and what follows from it."""
        texts = [action.text for action in done if isinstance(action, SendText)]
        while texts:
            if self.random.random() < 0.2:  # the CALL is lost
                return self.cut()
            responses = [response for text in texts for response in self.server.receive(text)]
            responses = responses or self.server.finish()
            if self.random.random() < 0.3:  # the response is lost
                return self.cut()
            done = [action for text in responses for action in self.station.hear(text, attempt=self.station.attempt)]
            texts = [action.text for action in done if isinstance(action, SendText)]
        return None

    def cut(self) -> None:
        self.cuts += 1
        self.station.lose()
        self.server.lose()
        if self.random.random() < 0.5:
            self.server.finish()  # a handler that outlives its connection
        self.server.connect()
        self.carry(self.station.come_back())


@pytest.mark.parametrize("seed", range(8))
def test_each_message_is_handled_once_over_cuts(seed: int) -> None:
    wire = Connection(seed)
    wire.carry(wire.station.connect())
    for number in range(MESSAGES):
        wire.carry(wire.station.enqueue(payload={"n": number, "vendorId": "V"}))
    assert wire.cuts > 1
    assert wire.server.handled == dict.fromkeys(range(MESSAGES), 1)
    texts = [json.loads(action.text) for action in wire.station.log if isinstance(action, SendText)]
    assert len(texts) > MESSAGES, "some were repeated"
    assert len(wire.station.outcomes) == MESSAGES
