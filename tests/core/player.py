"""One engine in virtual time: play inputs, collect actions, say them in few words."""

import json
from collections.abc import Iterable
from itertools import count
from random import Random
from typing import Any

from ocpp_core.actions import Dispatch, Report, SendText, Settle, StateChanged
from ocpp_core.client import ClientEngine
from ocpp_core.config import ClientConfig, FindRemedy, SessionConfig, Violation
from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import (
    Close,
    Connect,
    StartCall,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
)
from ocpp_core.limits import Bucket
from ocpp_core.session import Session
from ocpp_core.versions import OCPP16, ErrorCode, Version


def counting_ids(prefix: str = "id-") -> Any:
    """Make message ids that a test can foretell: id-1, id-2, …"""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


class Player:
    """Feeds an engine and drains it at once, as a host does; `now` passes only when the test says so."""

    def __init__(self, engine: Any, now: float = 0.0) -> None:
        self.engine = engine
        self.now = now
        self.log: list[Any] = []

    def play(self, *inputs: Any) -> list[Any]:
        """Feed inputs one by one and return what the engine wants done."""
        done: list[Any] = []
        for item in inputs:
            self.engine.handle(item, self.now)
            done += self.drain()
        return done

    def drain(self) -> list[Any]:
        done = list(iter(self.engine.poll, None))
        self.log += done
        return done

    def hear(self, *texts: str, attempt: int = 0) -> list[Any]:
        """Receive text messages."""
        return self.play(*(TextReceived(text, attempt) for text in texts))

    def wait(self, seconds: float) -> list[Any]:
        """Let time pass, with a tick at every deadline on the way and none anywhere else."""
        until, done = self.now + seconds, []
        while self.engine.deadline <= until:
            self.now = max(self.now, self.engine.deadline)
            done += self.play(Tick())
        self.now = until
        return done


class Strict:
    """A validator for tests: a payload with a member `bad` breaks the schema, whatever the message is."""

    def __init__(self, *actions: str) -> None:
        self.actions = actions or ("Heartbeat", "Reset", "NotifyPeriodicEventStream")

    def has(self, action: str) -> bool:
        return action in self.actions

    def check_call(self, action: str, payload: Any) -> Violation | None:
        return self._check(payload, ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION, "call")

    def check_result(self, action: str, payload: Any) -> Violation | None:
        return self._check(payload, ErrorCode.FORMAT_VIOLATION, "result")

    def check_send(self, action: str, payload: Any) -> Violation | None:
        return self._check(payload, ErrorCode.TYPE_CONSTRAINT_VIOLATION, "send")

    def mend(self, kind: str, action: str, payload: Any, find: FindRemedy) -> Any:
        mended = {name: item for name, item in payload.items() if item is not None}
        return None if "bad" in mended else mended

    def _check(self, payload: Any, code: ErrorCode, kind: str) -> Violation | None:
        return Violation(code, f"{kind}: bad is not allowed") if "bad" in payload else None


def a_session(
    version: Version = OCPP16, *, keep_unsent: bool = False, shared: Bucket | None = None, **settings: Any
) -> Player:
    """An open session; its message ids are id-1, id-2, …, its request numbers 1, 2, …"""
    config = SessionConfig(**settings)
    ids, numbers = counting_ids(), count(1)
    return Player(Session(config, version, ids=ids, numbers=numbers, keep_unsent=keep_unsent, shared=shared))


def a_client(*, session: SessionConfig | None = None, seed: int = 1, **settings: Any) -> Player:
    """A client that offers ocpp2.1 and ocpp1.6; its jitter is the seed's."""
    settings.setdefault("protocols", ("ocpp2.1", "ocpp1.6"))
    config = ClientConfig(session=session or SessionConfig(), **settings)
    return Player(ClientEngine(config, random=Random(seed), ids=counting_ids()))


CONNECT = 1000
"""The token of the `Connect` that brings a test's client online."""


def an_online_client(subprotocol: str = "ocpp1.6", **settings: Any) -> Player:
    """A client on its first connection, attempt 1."""
    lab = a_client(**settings)
    lab.play(Connect(CONNECT), TransportOpened(subprotocol, attempt=1))
    return lab


OFFLINE: dict[str, list[Any]] = {
    "idle": [],
    "connecting": [Connect(CONNECT)],
    "waiting": [Connect(CONNECT), TransportOpened("ocpp1.6", attempt=1), TransportLost(attempt=1)],
    "stopped": [Close()],
}
"""How a client gets to where it has no connection."""


class Steady:
    """A back-off of `attempt` times ten seconds, without jitter."""

    reset_after = 10.0

    def delay(self, attempt: int, random: Random) -> float:
        return 10.0 * attempt


STEADY = Steady()
REFUSED = ConnectionFailedError("refused")


def call(token: int, **options: Any) -> StartCall:
    """The simplest call."""
    return StartCall(token, "Heartbeat", {}, **options)


def attempt_of(client: Player) -> int:
    attempt: int = client.engine.state.attempt
    return attempt


def fail(client: Player, error: Exception = REFUSED, **options: Any) -> list[Any]:
    """The attempt under way fails."""
    return client.play(TransportFailed(error, attempt=attempt_of(client), **options))


def lose(client: Player, code: int = 1006) -> list[Any]:
    """The connection is lost."""
    return client.play(TransportLost(code, attempt=attempt_of(client)))


def come_back(client: Player, subprotocol: str = "ocpp1.6") -> list[Any]:
    """Wait for the next attempt and let it succeed."""
    client.wait(client.engine.deadline - client.now)
    return client.play(TransportOpened(subprotocol, attempt=attempt_of(client)))


# What actions say


def states(actions: Iterable[Any]) -> list[Any]:
    """The states entered."""
    return [action.state for action in actions if isinstance(action, StateChanged)]


def entered(actions: Iterable[Any]) -> list[type]:
    """The kinds of the states entered."""
    return [type(state) for state in states(actions)]


def sent(actions: Iterable[Any]) -> list[Any]:
    """The messages sent, as JSON."""
    return [json.loads(action.text) for action in actions if isinstance(action, SendText)]


def settled(actions: Iterable[Any]) -> dict[int, Any]:
    """What each token settled with: the error if there is one, else the result."""
    settles = [action for action in actions if isinstance(action, Settle)]
    assert len({action.token for action in settles}) == len(settles), "a token settled twice"
    return {action.token: action.error or action.result for action in settles}


def reports(actions: Iterable[Any]) -> list[Any]:
    """The kinds of the reports."""
    return [action.kind for action in actions if isinstance(action, Report)]


def of(kind: type, actions: Iterable[Any]) -> list[Any]:
    """The actions of one kind."""
    return [action for action in actions if isinstance(action, kind)]


def dispatched(actions: Iterable[Any]) -> list[int]:
    """The numbers of the requests dispatched."""
    return [action.request for action in of(Dispatch, actions)]


def kinds(actions: Iterable[Any]) -> list[str]:
    """The class names of all actions, in order."""
    return [type(action).__name__ for action in actions]
