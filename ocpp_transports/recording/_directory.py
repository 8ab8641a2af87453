"""A directory of recordings, which holds at most so many bytes."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = ["RecordingDirectory"]

_NAMES: Final = "*.ocpp.jsonl"
_MODE: Final = 0o600
"""Only the user may read a recording."""


class RecordingDirectory:
    """Writes recordings as files. The names begin with the time, so their order is that of the recordings."""

    def __init__(self, path: Path, total_bytes: int) -> None:
        self._path = path
        self._total = total_bytes

    def write(self, name: str, lines: Sequence[str]) -> None:
        """Write a recording, and remove the oldest ones beyond the limit. Raises OSError."""
        content = "".join(f"{line}\n" for line in lines).encode()
        self._path.mkdir(parents=True, exist_ok=True)
        self._make_room(len(content))
        part = self._path / f"{name}.part"
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
                file.write(content)
            part.replace(self._path / name)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def _make_room(self, size: int) -> None:
        files = sorted(self._path.glob(_NAMES))
        sizes = [file.stat().st_size for file in files]
        total = sum(sizes) + size
        for file, removed in zip(files, sizes, strict=True):
            if total <= self._total:
                return
            file.unlink(missing_ok=True)
            total -= removed
