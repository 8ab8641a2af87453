"""The kinds of histories, and how often each is played."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.differential.drawing import Draws
from tests.differential.stage import Stage
from tests.differential.transcript import Transcript

from .functions import play_functions
from .laboratories import play_laboratory
from .messages import ClientHistory, ServerHistory, SessionHistory
from .outboxes import DurableHistory, play_fleet
from .streams import ClientStackHistory, ServerStackHistory
from .worlds import play_world

__all__ = ["KINDS", "play"]

_STEPS: Final = (5, 20, 30, 50)


def _staged(make: Callable[[Draws, Transcript], Stage]) -> Callable[[Draws, Transcript], None]:
    return lambda draws, transcript: make(draws, transcript).play(draws.pick(_STEPS))


KINDS: Final[Mapping[str, tuple[int, Callable[[Draws, Transcript], None]]]] = {
    "session": (10, _staged(SessionHistory)),
    "server": (4, _staged(ServerHistory)),
    "client": (6, _staged(ClientHistory)),
    "server stack": (14, _staged(ServerStackHistory)),
    "client stack": (10, _staged(ClientStackHistory)),
    "client with an outbox": (6, _staged(DurableHistory)),
    "server with outboxes": (1, play_fleet),
    "laboratory": (4, play_laboratory),
    "functions": (6, play_functions),
    "world": (1, play_world),
}
_ALL: Final = [kind for kind, (weight, _) in KINDS.items() for _ in range(weight)]


def play(seed: int, transcript: Transcript) -> None:
    """Play the history of a seed."""
    draws = Draws(seed)
    kind = draws.pick(_ALL)
    transcript.has_reprs = draws.one_in(8)
    transcript.note(kind)
    KINDS[kind][1](draws, transcript)
