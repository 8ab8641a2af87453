"""Programs for the package `ocpp`, as they are and as the migration rewrites them."""

import logging
import shutil
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import pytest

from ocpp_transports.compat.migrate.__main__ import main as migrate
from tests.interop.compat.packages import OURS, PROGRAMS, THEIRS, load


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], ModuleType]:
    """Return a program, by its name, for one of the packages."""
    rewritten = tmp_path_factory.mktemp("rewritten")
    shutil.copytree(PROGRAMS, rewritten, dirs_exist_ok=True)
    assert migrate([str(rewritten), "--write"]) == 0
    folders = {THEIRS: PROGRAMS, OURS: rewritten}
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
