"""Programs for the package `ocpp`, as they are and as the migration rewrites them."""

import logging
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from ocpp_transports.compat.migrate.__main__ import main as migrate
from tests.interop.compat.packages import FORMER, OURS, PROGRAMS, THEIRS, in_former_spelling, load


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with the programs for both packages, and in the spelling of former releases."""
    found = {THEIRS: PROGRAMS, OURS: tmp_path_factory.mktemp("ours"), FORMER: tmp_path_factory.mktemp("former")}
    for program in PROGRAMS.glob("*.py"):
        text = program.read_text()
        (found[OURS] / program.name).write_text(text)
        (found[FORMER] / program.name).write_text(in_former_spelling(text))
    assert migrate([str(found[OURS]), str(found[FORMER]), "--write"]) == 0
    return found


@pytest.fixture(scope="session")
def programs(folders: dict[str, Path]) -> Callable[[str, str], ModuleType]:
    """Return a program, by its name, for one of the packages."""
    return lambda name, package: load(folders[package] / f"{name}.py", package)


@pytest.fixture
def anyio_backend() -> str:
    """Both packages run on asyncio alone."""
    return "asyncio"


@pytest.fixture(autouse=True)
def settings(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log messages, and let neither package start threads, which take most of the time."""
    caplog.set_level(logging.INFO, "ocpp")
    monkeypatch.setattr(import_module("ocpp.messages"), "ASYNC_VALIDATION", False)
