"""What the processes of a trial write down: one line at a time, so that nothing is lost when one is killed."""

import os
import time
from pathlib import Path

__all__ = ["Journal", "lines_of"]


class Journal:
    """Appends lines to a file of a folder; each begins with the seconds of a clock that all processes share."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._file = os.open(folder / name, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def write(self, *words: object) -> None:
        """Append a line at once."""
        os.write(self._file, f"{time.monotonic():.3f} {' '.join(map(str, words))}\n".encode())


def lines_of(folder: Path, pattern: str) -> list[list[str]]:
    """Return the words of all lines of some files."""
    return [line.split() for path in sorted(folder.glob(pattern)) for line in path.read_text().splitlines()]
