"""Makes the engines of accepted connections, and holds what those of one server share."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TypeVar

from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inbound.directions import MakeDirections
from ocpp_core.link import Unfinished
from ocpp_core.server import ServerEngine
from ocpp_core.stack import ServerStack
from ocpp_transports._driver._sources import Draws, Sources
from ocpp_transports._options._server import ServerOptions

__all__ = ["Engines"]

_EngineT = TypeVar("_EngineT")


class Engines:
    """Makes an engine for each accepted connection; `sources` may replace what it draws from, or record it.

    `directions` makes the directions of each session, see `Session`; `answers` has the stored responses.
    """

    def __init__(
        self, sources: Sources, directions: MakeDirections | None, answers: AnswerMemory | None = None
    ) -> None:
        self._sources = sources
        self._directions = directions
        self._random, self._numbers = sources.random("server"), count(1)
        self._unfinished = Unfinished()
        self._answers = AnswerMemory() if answers is None else answers

    def stack(self, options: ServerOptions, address: str | None, now: float) -> ServerStack:
        """Return the engine for an accepted stream of bytes."""
        return self._make(options, address, partial(self._stack, options, now))

    def session(self, options: ServerOptions, address: str | None, now: float) -> ServerEngine:
        """Return the engine for a WebSocket that another library speaks."""
        return self._make(options, address, partial(self._session, options, now))

    def _make(self, options: ServerOptions, address: str | None, make: Callable[[Draws], _EngineT]) -> _EngineT:
        draws = Draws(self._random, self._sources.ids(options.ids), self._numbers, self._unfinished, self._answers)
        return self._sources.engine(address or "", draws, make)

    def _stack(self, options: ServerOptions, now: float, draws: Draws) -> ServerStack:
        return ServerStack(
            options.link,
            options.session,
            random=draws.random,
            ids=draws.ids,
            now=now,
            numbers=draws.numbers,
            unfinished=draws.unfinished,
            answers=draws.answers,
            directions=self._directions,
        )

    def _session(self, options: ServerOptions, now: float, draws: Draws) -> ServerEngine:
        return ServerEngine(
            options.session,
            handshake_timeout=options.handshake_limit,
            ids=draws.ids,
            now=now,
            numbers=draws.numbers,
            answers=draws.answers,
            directions=self._directions,
        )
