"""A directory of recordings, which holds at most so many bytes."""

import os
import re
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["RecordingDirectory"]

_OWN: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+\.ocpp\.jsonl(\.part)?")
"""The names of recordings, and of those that a killed process left unfinished. No other file is removed."""
_MODE: Final = 0o600
"""Only the user may read a recording."""


class RecordingDirectory:
    """Writes recordings as files. The names begin with the time, so their order is that of the recordings."""

    def __init__(self, path: Path, total_bytes: int) -> None:
        self._path = path
        self._total = total_bytes
        self._files: deque[tuple[Path, int]] | None = None
        self._size = 0

    def write(self, name: str, lines: Sequence[str]) -> None:
        """Write a recording, and remove the oldest ones beyond the limit. Raises OSError."""
        content = "".join(f"{line}\n" for line in lines).encode()
        self._path.mkdir(parents=True, exist_ok=True)
        files = self._files = self._find() if self._files is None else self._files
        while files and self._size + len(content) > self._total:
            oldest, size = files.popleft()
            oldest.unlink(missing_ok=True)
            self._size -= size
        self._write(name, content)
        files.append((self._path / name, len(content)))
        self._size += len(content)

    def clear(self) -> None:
        """Remove all recordings, if there is the directory. Raises OSError."""
        for file, _ in self._find():
            file.unlink(missing_ok=True)
        self._files = None

    def _find(self) -> deque[tuple[Path, int]]:
        """Return the recordings that earlier processes left, the oldest first."""
        files: deque[tuple[Path, int]] = deque()
        for file in sorted(self._path.iterdir()) if self._path.is_dir() else ():
            with suppress(FileNotFoundError):  # another process may have removed it
                if _OWN.fullmatch(file.name) and file.is_file():
                    files.append((file, file.stat().st_size))
        self._size = sum(size for _, size in files)
        return files

    def _write(self, name: str, content: bytes) -> None:
        part = self._path / f"{name}.part"
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
                file.write(content)
            part.replace(self._path / name)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
