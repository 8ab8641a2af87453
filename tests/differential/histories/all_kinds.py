"""The kinds of histories, and how often each is played."""

from collections.abc import Callable, Mapping
from typing import Final

from tests.differential.drawing import Draws
from tests.differential.stage import Stage
from tests.differential.transcript import Transcript

from .messages import ClientHistory, ServerHistory, SessionHistory
from .streams import ClientStackHistory, ServerStackHistory

__all__ = ["KINDS", "play"]

_STEPS: Final = (5, 20, 30, 50)


def _staged(make: Callable[[Draws, Transcript], Stage]) -> Callable[[Draws, Transcript], None]:
    return lambda draws, transcript: make(draws, transcript).play(draws.pick(_STEPS))


KINDS: Final[Mapping[str, tuple[int, Callable[[Draws, Transcript], None]]]] = {
    "session": (4, _staged(SessionHistory)),
    "server": (2, _staged(ServerHistory)),
    "client": (3, _staged(ClientHistory)),
    "server stack": (6, _staged(ServerStackHistory)),
    "client stack": (5, _staged(ClientStackHistory)),
}
_ALL: Final = [kind for kind, (weight, _) in KINDS.items() for _ in range(weight)]


def play(seed: int, transcript: Transcript) -> None:
    """Play the history of a seed."""
    draws = Draws(seed)
    kind = draws.pick(_ALL)
    transcript.has_reprs = draws.one_in(8)
    transcript.note(kind)
    KINDS[kind][1](draws, transcript)
