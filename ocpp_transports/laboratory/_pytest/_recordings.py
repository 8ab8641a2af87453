"""The recordings of a test: kept in memory, and written if it fails."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from ocpp_transports.laboratory._world._failure import recordings_in
from ocpp_transports.laboratory._world._world import World

__all__ = ["FailureRecordings"]

_LONGEST: Final = 100
"""Characters of the name of a folder."""


class FailureRecordings:
    """The recordings of one test.

    Args:
        request: The request of the fixture of its world.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._recorded: dict[str, Sequence[str]] = {}
        self._is_written = False
        self._name = re.sub(r"[^\w.-]+", "-", request.node.nodeid).strip("-")[-_LONGEST:]
        self._folder: str | None = request.config.getoption("ocpp_recordings", None)
        self._temporary: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")

    def keep(self, name: str, lines: Sequence[str]) -> None:
        """Keep a recording of the test, not of what its fixtures do after it has failed."""
        if not self._is_written:
            self._recorded[name] = lines

    def written(self, world: World) -> list[str]:
        """Write what is recorded of a world, and return lines for the report.

        None without a connection, nor for a later failure of the same test: it is in the report of the first one.
        """
        if self._is_written:
            return []
        try:
            world.write_recordings()
            return recordings_in(self._new_folder(), self._recorded) if self._recorded else []
        except Exception as error:  # the sink of a marker may raise anything; the report of the test is more important
            return [f"recordings cannot be written: {error!r}"]
        finally:
            self._is_written = True

    def _new_folder(self) -> Path:
        if self._folder is None:
            return self._temporary.mktemp("ocpp-recordings")
        return Path(self._folder).absolute() / self._name
