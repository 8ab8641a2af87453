"""Histories of engines that receive whole messages: a session, a server's connection, a client."""

from itertools import count
from random import Random

from ocpp_core.actions import UpgradeRequested
from ocpp_core.client import ClientEngine
from ocpp_core.client_states import Connecting
from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import (
    BinaryReceived,
    TextReceived,
    TransportFailed,
    TransportLost,
    TransportOpened,
    UpgradeReceived,
)
from ocpp_core.server import ServerEngine
from ocpp_core.session import Session
from ocpp_core.versions import version_of
from tests.differential import settings
from tests.differential.commands import decision
from tests.differential.drawing import Draws
from tests.differential.stage import Stage
from tests.differential.transcript import Transcript
from tests.fuzz.payloads import PROTOCOLS

__all__ = ["ClientHistory", "MessageStage", "ServerHistory", "SessionHistory"]

_BYTES = (b'[2,"b","Heartbeat",{}]', b'[3,"id-1",{}]', b"\xff\x00", b"", b"[" * 300)
_OFFERS = (PROTOCOLS, (), ("", "ocpp1.6"), ("a b",), ("x", "x"))
_CODES = (1006, 1000, 1001, 1008, 1012, 4000)


class MessageStage(Stage):
    """A stage whose peer sends whole messages."""

    def hear(self) -> None:
        """Receive a text."""
        text = self.text()
        self.give(TextReceived(text=text, attempt=self._attempt))

    def odd(self) -> None:
        """Receive bytes."""
        self.give(BinaryReceived(data=self.draws.pick(_BYTES), attempt=self._attempt))

    def lose(self) -> None:
        """Lose the connection."""
        self.give(
            TransportLost(
                code=self.draws.pick(_CODES),
                reason=self.draws.pick(("", "gone")),
                attempt=self._attempt,
            )
        )

    @property
    def _attempt(self) -> int:
        stale = self.draws.rarely(15) and self.scene.attempt > 0
        return self.scene.attempt - stale


class SessionHistory(MessageStage):
    """A session without a handshake."""

    def __init__(self, draws: Draws, transcript: Transcript) -> None:
        super().__init__(draws, transcript, settings.protocol(draws))
        self._config = settings.session_config(draws, transcript, self.scene.protocol, of_server=True)
        self._memory = settings.memory(draws)
        self._shared = settings.bucket(draws)
        self._numbers = count(1)

    def make(self) -> Session:
        """Return a session of the station."""
        return Session(
            self._config,
            version_of(self.scene.protocol),
            ids=self.scene.message_id,
            numbers=self._numbers,
            keep_unsent=self.draws.one_in(5),
            answers=None if self._memory is None else self._memory.of("CP1"),
            shared=self._shared,
        )


class ServerHistory(MessageStage):
    """The connection of a server, with its handshake."""

    def __init__(self, draws: Draws, transcript: Transcript) -> None:
        super().__init__(draws, transcript, settings.protocol(draws))
        self._offered: tuple[str, ...] = ()
        self._config = settings.session_config(draws, transcript, self.scene.protocol, of_server=True)
        self._memory = settings.memory(draws)
        self._numbers = count(1) if draws.flag() else None
        self._directions = settings.directions(draws, self.scene.message_id)

    def make(self) -> ServerEngine:
        """Return the engine of a connection."""
        return ServerEngine(
            self._config,
            handshake_timeout=self.draws.pick((5, 30.0)),
            ids=self.scene.message_id,
            now=self.now,
            numbers=self._numbers,
            answers=self._memory,
            directions=self._directions,
        )

    def begin(self) -> None:
        """Ask for an upgrade, and decide; or something else first."""
        if self.draws.rarely(6):
            self._command()
        self.give(
            UpgradeReceived(
                token=self.scene.token(),
                target="/ocpp/CP1?x=y",
                headers=(("Host", "x"), ("Host", "y"), ("X", "z")),
                subprotocols=self.draws.pick(_OFFERS) if self.draws.rarely(4) else (self.scene.protocol,),
            )
        )
        if self.draws.rarely(8):
            self._command()
        self.feed(decision(self.draws, self._offered))
        if self.draws.rarely(8):
            self._command()
        self.give(TransportOpened(self.scene.protocol))

    def revive(self) -> None:
        """Decide late."""
        if self.draws.one_in(30):
            self.feed(decision(self.draws, self._offered))

    def perform(self, action: object) -> None:
        """Remember the offer."""
        super().perform(action)
        if isinstance(action, UpgradeRequested):
            self._offered = (self.scene.protocol,) if self.scene.protocol in action.subprotocols else ()


class ClientHistory(MessageStage):
    """A client over several connections."""

    def __init__(self, draws: Draws, transcript: Transcript) -> None:
        self._config = settings.client_config(draws, transcript)
        super().__init__(draws, transcript, self._config.protocols[0])

    def make(self) -> ClientEngine:
        """Return the engine of the client."""
        return ClientEngine(self._config, random=Random(self.draws.number(999)), ids=self.scene.message_id)

    def begin(self) -> None:
        """Connect."""
        self.connect()

    def revive(self) -> None:
        """Open the connection, or let the attempt fail; and wait until the next one, often."""
        draws, state = self.draws, self.engine.state
        if isinstance(state, Connecting) and draws.number(5):
            self._open(state.attempt)
        else:
            self.come_back(state)

    def _open(self, attempt: int) -> None:
        draws = self.draws
        if draws.rarely(2):
            self.give(
                TransportFailed(
                    error=draws.pick((ConnectionFailedError("no route"), OSError(111, "refused"))),
                    retry=draws.number(3) > 0,
                    attempt=attempt,
                    retry_after=draws.pick((0.0, 0.0, 7, 9000.0)),
                )
            )
        else:
            subprotocol = draws.pick((None, "other", "ocpp1.6")) if draws.rarely(6) else self.scene.protocol
            self.give(TransportOpened(subprotocol=subprotocol, attempt=attempt))
