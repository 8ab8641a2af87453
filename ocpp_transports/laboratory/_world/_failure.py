"""The recordings of a world that failed: their files, and how to replay them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Final

from ocpp_transports.recording._directory import RecordingDirectory

__all__ = ["recordings_in"]

_NO_LIMIT: Final = 1 << 62
"""Bytes of a folder; the recordings were limited in memory."""


def recordings_in(folder: Path, recorded: Mapping[str, Sequence[str]]) -> list[str]:
    """Write the recordings of a failed run into a folder, in the place of those of an earlier one.

    Args:
        folder: The folder, which is made if it is missing.
        recorded: The lines of the recordings by their names.

    Returns:
        Lines for a report: where they are, and the commands that raise the exceptions of engines again.

    Raises:
        OSError: The folder cannot be written.
    """
    directory = RecordingDirectory(folder, _NO_LIMIT)
    directory.clear()
    for name, lines in recorded.items():
        directory.write(name, lines)
    shown = [f"recordings: {len(recorded)} in {folder}"]
    for name, lines in recorded.items():
        fault = _fault_in(lines)
        if fault is not None:
            shown += [f"an engine raised {fault}, replay it: {_command_of(folder / name)}"]
    return shown


def _fault_in(lines: Sequence[str]) -> str | None:
    """Return the name of the first exception of the engine that refuses no input; None without one."""
    records = (json.loads(line) for line in lines if '"fault":true' in line)
    return next((record["raised"] for record in records if record.get("fault") is True), None)


def _command_of(path: Path) -> str:
    code = f"from ocpp_core.recording import replay; print(replay({json.dumps(str(path))}).difference)"
    return f"python -c {quote(code)}"
