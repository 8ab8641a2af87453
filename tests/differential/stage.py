"""An engine and everything around it, of which each step is written down."""

import re
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any, Final

from ocpp_core.actions import Dispatch, OpenTransport, SendText, StateChanged
from ocpp_core.client_states import ClientState, Stopped, Waiting
from ocpp_core.inputs import Connect, Tick
from ocpp_core.recording import Recorder, Recording
from ocpp_core.states import Closed

from .commands import Make, Scene, command, foreign_input, reply, start
from .drawing import Draws
from .peers import text_of
from .transcript import Transcript, described

__all__ = ["Stage"]

_CALL: Final = re.compile(r'^\[2,"(id-[^"]*)","([^"]*)"')
_WAITS: Final = (0.0, 0.001, 0.25, 1.0, 1.5, 4.0, 10.0, 31.0, 61.0, 130.0)
_MOST: Final = 2000
"""Actions after one input, beyond which an engine would never stop."""


class Stage:
    """An engine in virtual time, with a host, an application and a peer that all do right and wrong things.

    Args:
        draws: The seed of the history.
        transcript: Where each step is written.
        protocol: The subprotocol that is spoken.
    """

    engine: Any
    """The engine, which `make` has made."""

    def __init__(self, draws: Draws, transcript: Transcript, protocol: str) -> None:
        self.draws = draws
        self.transcript = transcript
        self.scene = Scene(protocol)
        self.now = 0.0
        self.written: dict[str, str] = {}
        """The actions of the calls that were written, by message ID."""
        self.is_recorded = False
        """True to write down what a recording of the engine has."""
        self.is_over = False
        """True once the engine of one connection has ended."""
        self._texts: deque[str] = deque(maxlen=4)
        self._repeated: list[str] = []
        """What the peer says first on a new connection, because it got no response."""
        self.is_broken = False
        """True once `poll` has raised: then nothing that follows has a meaning."""
        self._steps: tuple[Callable[[], None], ...] = (
            *(self.hear,) * 5,
            *(self._answer,) * 3,
            *(self._start,) * 2,
            *(self._command,) * 2,
            self._wait,
            self._wait,
            self.odd,
        )

    # What a subclass knows

    def make(self) -> Any:
        """Return a new engine."""
        raise NotImplementedError

    def begin(self) -> None:
        """Do what comes before messages."""

    def hear(self) -> None:
        """Receive a message of the peer."""
        raise NotImplementedError

    def odd(self) -> None:
        """Receive something else of the peer."""
        raise NotImplementedError

    def lose(self) -> None:
        """Lose the connection."""
        raise NotImplementedError

    def revive(self) -> None:
        """Do what a host does while there is no open connection."""

    # A history

    def play(self, steps: int) -> None:
        """Begin, do some steps, and end the connection."""
        self.is_recorded = self.draws.one_in(10)
        self.engine = self._recorded(self.make())
        self.begin()
        for _ in range(steps):
            if self.is_broken:
                return
            if self.is_over and self.draws.one_in(3):
                self._renew()
            if self.draws.rarely(20):
                self.lose()
            self.revive()
            self.draws.pick(self._steps)()
        self.lose()
        self._expire()
        for _ in range(2):
            self._answer()

    def _renew(self) -> None:
        """Let the peer connect again: what the host keeps, the next engine has."""
        self.is_over = False
        self.engine = self._recorded(self.make())
        self._repeated = [text for text in self._texts if self.draws.flag()]
        self.transcript.note("another connection")
        self.begin()

    def _recorded(self, engine: Any) -> Any:
        """Return an engine whose recording is a part of the transcript, in some histories."""
        if not self.is_recorded:
            return engine
        return Recorder(engine, Recording(lambda line: self.transcript.note(f"  recorded {line}")))

    def feed(self, make: Make) -> None:
        """Make an input and pass it."""
        try:
            event = make()
        except Exception as error:
            self.transcript.failed("making", error)
        else:
            self.give(event)

    def give(self, event: Any) -> None:
        """Pass an input, and write down everything that follows."""
        self.transcript.given(self.now, event)
        try:
            self.engine.handle(event, self.now)
        except Exception as error:
            self.transcript.failed("handle", error)
        self.drain(self.draws.number(2) if self.draws.rarely(6) else _MOST)
        self._note_state()

    def drain(self, most: int) -> None:
        """Take at most so many actions."""
        poll, did = self.engine.poll, self.transcript.did
        for _ in range(most):
            try:
                action = poll()
            except Exception as error:
                self.transcript.failed("poll", error)
                self.is_broken = True
                return
            if action is None:
                return
            did("did", action)
            self.perform(action)

    def perform(self, action: Any) -> None:
        """Note what an action means for later steps."""
        kind = type(action)
        if kind is Dispatch:
            self.scene.requests.append((action.request, action.action))
        elif kind is SendText:
            self.note_text(action.text)
        elif kind is OpenTransport:
            self.scene.attempt = action.attempt
        elif kind is StateChanged and isinstance(action.state, Closed):
            self.is_over = True

    def note_text(self, text: str) -> None:
        """Remember a call, which the peer may answer."""
        if (call := _CALL.match(text)) is not None:
            self.written[call[1]] = call[2]

    def _note_state(self) -> None:
        engine = self.engine
        session = getattr(engine, "session", engine)
        parts = [repr(engine.deadline), described(getattr(getattr(engine, "engine", engine), "state", None))]
        if session is not None and hasattr(session, "unread"):
            parts += [described(session.state), str(len(session.unread)), str(session.requests.is_full)]
            parts.append(f"{session.calls.pending} {len(session.calls.timers)} {session.calls.is_open}")
        if hasattr(engine, "queued"):
            parts.append(str(engine.queued))
        self.transcript.note(f"  = {' '.join(parts)}")

    # Clients

    def connect(self) -> None:
        """Connect, or call something first."""
        if self.draws.one_in(4):
            self._start()
        self.give(Connect(self.scene.token()))

    def come_back(self, state: ClientState) -> None:
        """Wait until the next attempt, often, or connect again."""
        if isinstance(state, Waiting) and self.draws.flag():
            self.now = max(self.now, state.until)
            self.give(Tick())
        elif (isinstance(state, Stopped) and self.draws.one_in(10)) or self.draws.rarely(40):
            self.give(Connect(self.scene.token()))

    # Steps

    def text(self) -> str:
        """Return what the peer says next: something new, or what it said before."""
        if self._repeated:
            return self._repeated.pop(0)
        if self._texts and self.draws.one_in(8):
            return self.draws.pick(self._texts)
        self._texts.append(text_of(self.draws, self.scene, self.written))
        return self._texts[-1]

    def _answer(self) -> None:
        make = reply(self.draws, self.scene)
        if self.scene.requests and self.draws.number(3):
            self.scene.requests.pop(self.draws.number(len(self.scene.requests) - 1))
        self.feed(make)

    def _start(self) -> None:
        self.feed(start(self.draws, self.scene))

    def _command(self) -> None:
        self.feed(foreign_input(self.draws) if self.draws.rarely(8) else command(self.draws, self.scene))

    def _wait(self) -> None:
        """Let time pass: to the deadline, or past it, with a tick or without one."""
        deadline = self.engine.deadline
        if self.draws.flag() and deadline < inf:
            self.now = max(self.now, deadline)
        else:
            self.now += self.draws.pick(_WAITS)
        if self.draws.number(5):
            self.give(Tick())

    def _expire(self) -> None:
        """Let the next deadlines come."""
        for _ in range(6):
            deadline = self.engine.deadline
            if self.is_broken or not self.now <= deadline < inf:
                return
            self.now = deadline
            self.give(Tick())
