"""Peers: other implementations of OCPP-J, each in a process of its own that the tests of a run share."""

import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conversations import CONVERSATIONS, Conversation
from tests.interop.leaks import nothing_may_be_left
from tests.interop.peer_process import PeerProcess

_HERE = Path(__file__).parent
_COMMANDS = {
    "pypi": [sys.executable, str(_HERE / "peer_pypi.py")],
    "npm": ["node", str(_HERE / "peer_npm.mjs")],
}
_numbers = count(1)


def _command(kind: str) -> list[str]:
    if kind == "npm" and shutil.which("node") is None:
        pytest.skip("Node is not installed")
    if kind == "npm" and not (_HERE / "node_modules" / "ocpp-rpc").exists():
        pytest.skip("the npm package ocpp-rpc is not installed: run `make setup`")
    return _COMMANDS[kind]


@pytest.fixture(scope="session", params=list(_COMMANDS))
def peer_kind(request: pytest.FixtureRequest) -> str:
    """Name the other implementation: `pypi` (ocpp and websockets) or `npm` (ocpp-rpc)."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def peer(peer_kind: str) -> Iterator[PeerProcess]:
    """Share one process of the other implementation."""
    with PeerProcess(_command(peer_kind)) as process:
        yield process


@pytest.fixture
def mortal_peers(peer_kind: str) -> Iterator[Callable[[], PeerProcess]]:
    """Start processes of the other implementation that a test may kill."""
    started: list[PeerProcess] = []

    def start() -> PeerProcess:
        started.append(PeerProcess(_command(peer_kind)))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def identity() -> str:
    """Name a station that no other test uses: what a shared peer tells of others is then never mistaken for it."""
    return f"CP-{next(_numbers)}"


@pytest.fixture(params=CONVERSATIONS, ids=lambda conversation: conversation.protocol)
def conversation(request: pytest.FixtureRequest) -> Any:
    """Repeat a test for every version."""
    talk: Conversation = request.param
    return talk


@pytest.fixture
async def nothing_left(anyio_backend: Any) -> AsyncIterator[None]:
    """Fail a test that leaves a task or an open socket behind."""
    async with nothing_may_be_left():
        yield
