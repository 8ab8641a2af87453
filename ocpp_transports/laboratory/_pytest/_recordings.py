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
        self._name = re.sub(r"[^\w.-]+", "-", request.node.nodeid).strip("-")[-_LONGEST:]
        self._folder: str | None = request.config.getoption("ocpp_recordings", None)
        self._temporary: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")

    def keep(self, name: str, lines: Sequence[str]) -> None:
        """Keep a recording."""
        self._recorded[name] = lines

    def written(self, world: World) -> list[str]:
        """Write what is recorded of a world, and return lines for the report; none without a connection."""
        world.write_recordings()
        recorded, self._recorded = self._recorded, {}
        if not recorded:
            return []
        try:
            return recordings_in(self._new_folder(), recorded)
        except OSError as error:
            return [f"recordings cannot be written: {error}"]

    def _new_folder(self) -> Path:
        if self._folder is None:
            return self._temporary.mktemp("ocpp-recordings")
        return Path(self._folder).absolute() / self._name
