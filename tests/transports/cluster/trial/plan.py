"""What the processes of a trial agree on."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

__all__ = ["CALLS_A_SECOND", "LOOK", "TIME", "Plan"]

CALLS_A_SECOND: Final = 40.0
"""Of each process that calls."""
LOOK: Final = 0.2
"""Seconds between two looks at what a node believes."""
TIME: Final = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Plan:
    """The size of a trial, and where its servers listen."""

    stations: int
    lease: float
    redis: str
    ports: tuple[int, ...]
    advertised: tuple[str, ...]
    """The addresses of the servers for each other; empty if calls go over Redis."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the plan of a folder."""
        return cls(**json.loads((folder / "plan.json").read_text()))

    def write(self, folder: Path) -> None:
        """Write it for the other processes."""
        (folder / "plan.json").write_text(json.dumps(asdict(self)))

    @staticmethod
    def identity(number: int) -> str:
        """Return the identity of a station."""
        return f"CP{number:05}"
