"""Histories of stacks, which receive bytes in any pieces."""

from itertools import count
from random import Random
from typing import Any

from ocpp_core.actions import CloseStream, HttpRequest, OpenTransport, SendBytes, UpgradeRequested
from ocpp_core.client_states import Connecting
from ocpp_core.config import UpgradeTarget
from ocpp_core.errors import ConnectionFailedError
from ocpp_core.inputs import BytesReceived, Respond, StreamFailed, StreamLost, StreamOpened
from ocpp_core.link import Unfinished
from ocpp_core.stack import ClientStack, ServerStack
from tests.differential import settings
from tests.differential.commands import decision
from tests.differential.drawing import Draws
from tests.differential.peers import frames_of, odd_bytes
from tests.differential.stage import Stage
from tests.differential.transcript import Transcript
from tests.fuzz.targets.handshakes import REQUESTS, RESPONSES
from tests.link.wire import answer, read_frames, request

__all__ = ["ClientStackHistory", "ServerStackHistory", "StreamStage"]

_EXTENSION = ("Sec-WebSocket-Extensions", "permessage-deflate")


class StreamStage(Stage):
    """A stage whose peer sends bytes."""

    is_masked: bool
    """True if the peer is a client."""

    def __init__(self, draws: Draws, transcript: Transcript, protocol: str) -> None:
        super().__init__(draws, transcript, protocol)
        self._is_packed = False
        self._is_open = False

    def hear(self) -> None:
        """Receive one to four messages in one burst."""
        burst = [self.text() for _ in range(self.draws.pick((1, 1, 1, 1, 2, 4)))]
        packed = self._is_packed
        self.receive(b"".join([frames_of(self.draws, text, masked=self.is_masked, packed=packed) for text in burst]))

    def odd(self) -> None:
        """Receive control frames, or bytes that break a rule."""
        self.receive(odd_bytes(self.draws, masked=self.is_masked))

    def lose(self) -> None:
        """End the stream, in good order or not."""
        if self.draws.flag():
            self.give(BytesReceived(b"", self.scene.attempt))
        else:
            self.give(StreamLost(self.scene.attempt))

    def receive(self, data: bytes) -> None:
        """Receive bytes in pieces."""
        for piece in self.draws.pieces(data):
            if piece and not self.is_broken:
                attempt = self.scene.attempt - self.draws.rarely(40)
                self.give(BytesReceived(data=piece, attempt=attempt))

    def perform(self, action: Any) -> None:
        """Read what was sent."""
        super().perform(action)
        if type(action) is SendBytes and self._is_open:
            for first, payload in read_frames(action.data):
                if first == 0x81:
                    self.note_text(payload.decode(errors="replace"))


class ServerStackHistory(StreamStage):
    """One stream that a server accepted."""

    is_masked = True

    def __init__(self, draws: Draws, transcript: Transcript) -> None:
        super().__init__(draws, transcript, settings.protocol(draws))
        self._link = settings.link_config(draws, transcript)
        self._is_packed = self._link.compression is not None
        self._offered: tuple[str, ...] = ()
        self._asked: str | None = None
        self._config = settings.session_config(draws, transcript, self.scene.protocol, of_server=True)
        self._numbers = count(1)
        self._unfinished = Unfinished() if draws.flag() else None
        self._memory = settings.memory(draws)
        self._directions = settings.directions(draws, self.scene.message_id)

    def make(self) -> ServerStack:
        """Return the stack of a stream."""
        self._is_open = False
        return ServerStack(
            self._link,
            self._config,
            random=Random(self.draws.number(999)),
            ids=self.scene.message_id,
            now=self.now,
            numbers=self._numbers,
            unfinished=self._unfinished,
            answers=self._memory,
            directions=self._directions,
        )

    def begin(self) -> None:
        """Receive a request, right or wrong, and decide."""
        draws = self.draws
        if draws.rarely(6):
            self._command()
        if draws.rarely(4):
            data = draws.pick(REQUESTS)
        else:
            more = (_EXTENSION,) if self._is_packed else ()
            data = request(("Sec-WebSocket-Protocol", self.scene.protocol), *more)
        if draws.one_in(6):
            data += frames_of(draws, self.text(), masked=True, packed=False)
        self.receive(data)
        if draws.rarely(8):
            self._command()
        self._decide()

    def revive(self) -> None:
        """Decide late, or again."""
        if self._asked is not None or self.draws.one_in(60):
            self._decide()

    def _decide(self) -> None:
        asked, self._asked = self._asked, None
        if asked == "http" and self.draws.number(3):
            self.give(Respond(200, (("X", "y"),), b"ok"))
        else:
            self.feed(decision(self.draws, self._offered))

    def perform(self, action: Any) -> None:
        """Remember what was asked."""
        super().perform(action)
        if isinstance(action, UpgradeRequested):
            self._asked = "upgrade"
            self._offered = tuple(name for name in action.subprotocols if name == self.scene.protocol)
        elif isinstance(action, HttpRequest):
            self._asked = "http"
        elif type(action) is SendBytes and action.data.startswith(b"HTTP/1.1 101 "):
            self._is_open = True


class ClientStackHistory(StreamStage):
    """A client over several streams."""

    is_masked = False

    def __init__(self, draws: Draws, transcript: Transcript) -> None:
        self._config = settings.client_config(draws, transcript)
        super().__init__(draws, transcript, self._config.protocols[0])
        self._link = settings.link_config(draws, transcript)
        self._is_packed = self._link.compression is not None
        self._dialled = 0
        self._response = b""

    def make(self) -> ClientStack:
        """Return the stack of the client."""
        target = UpgradeTarget("csms.example", "/ocpp/CP1", (("Authorization", "Basic Q1AxOnNlY3JldA=="),))
        random = Random(self.draws.number(999))
        return ClientStack(self._config, self._link, target, random=random, ids=self.scene.message_id)

    def begin(self) -> None:
        """Connect."""
        self.connect()

    def revive(self) -> None:
        """Open the stream, or let the attempt fail; and wait until the next one, often."""
        draws, state = self.draws, self.engine.engine.state
        if isinstance(state, Connecting) and self._dialled != state.attempt:
            self._dialled = state.attempt
            if not draws.rarely(3):
                self.give(StreamOpened(state.attempt))
            else:
                error = draws.pick((ConnectionFailedError("no route"), OSError(111, "refused")))
                self.give(StreamFailed(error=error, attempt=state.attempt))
        elif self._response:
            data, self._response = self._response, b""
            self._is_open = True
            self.receive(data)
        else:
            self.come_back(state)

    def perform(self, action: Any) -> None:
        """Answer an upgrade request."""
        super().perform(action)
        if isinstance(action, (OpenTransport, CloseStream)):
            self._is_open = False
        elif type(action) is SendBytes and action.data.startswith(b"GET "):
            self._answer_request(action.data)

    def _answer_request(self, asked: bytes) -> None:
        draws = self.draws
        if draws.rarely(4):
            data = draws.pick(RESPONSES)
        else:
            more = (_EXTENSION,) if self._is_packed and draws.number(4) else ()
            data = answer(asked, ("Sec-WebSocket-Protocol", self.scene.protocol), *more)
        self._response = data
