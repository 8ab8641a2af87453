"""The servers that are compared: how each is started, and why one may be missing."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from select import select
from typing import IO, Final

__all__ = ["BASELINE", "CONTESTANTS", "Contestant", "RunningServer", "pinned_to", "start"]

_HERE: Final = Path(__file__).parent
_NPM_PEER: Final = _HERE.parent / "tests/interop/node_modules/ocpp-rpc/package.json"
_START_TIMEOUT: Final = 60.0
"""Seconds a server may take to listen."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server under test; `target` is how many times cheaper than the baseline it has to be, if it is ours."""

    key: str
    title: str
    command: tuple[str, ...]
    target: float | None = None

    @property
    def missing(self) -> str | None:
        """Why it cannot run here; None if it can."""
        if self.key == "npm":
            if shutil.which("node") is None:
                return "Node is not installed"
            return None if _NPM_PEER.exists() else "the npm package is not installed (make setup)"
        if self.key == "ours-uvloop" and find_spec("uvloop") is None:
            return "uvloop does not exist for this platform"
        return None


def _python(script: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(_HERE / "servers" / script), *arguments)


def _npm_version() -> str:
    return " " + json.loads(_NPM_PEER.read_text(encoding="utf-8"))["version"] if _NPM_PEER.exists() else ""


_OCPP: Final = f"PyPI ocpp {version('ocpp')} + websockets {version('websockets')}"

CONTESTANTS: Final = (
    Contestant("pypi", _OCPP, _python("pypi.py")),
    Contestant("pypi-inline", "the same, ASYNC_VALIDATION off", _python("pypi.py", "inline")),
    Contestant("npm", f"npm ocpp-rpc{_npm_version()}, strict", ("node", str(_HERE / "servers" / "npm.mjs"))),
    Contestant("ours-asyncio", "ocpp-ws-io, callback host, asyncio", _python("ours.py", "asyncio"), target=4),
    Contestant("ours-uvloop", "ocpp-ws-io, callback host, uvloop", _python("ours.py", "uvloop"), target=4),
    Contestant("ours-trio", "ocpp-ws-io, anyio host, trio", _python("ours.py", "trio"), target=3),
)
BASELINE: Final = CONTESTANTS[0]


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that listens on loopback."""

    port: int
    pid: int


@contextmanager
def start(contestant: Contestant, log: IO[str], cpus: Sequence[int]) -> Iterator[RunningServer]:
    """Run a server on these processors for the length of a `with` block; raises RuntimeError if it does not listen."""
    with pinned_to(cpus):
        process = subprocess.Popen(
            contestant.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        ready, _, _ = select([process.stdout], [], [], _START_TIMEOUT)
        line = process.stdout.readline() if ready else ""
        if not line.strip().isdigit():
            raise RuntimeError(f"expected {contestant.title} to print its port, got {line!r}; see {log.name}")
        yield RunningServer(int(line), process.pid)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def pinned_to(cpus: Sequence[int]) -> Iterator[None]:
    """Let processes that are started in the `with` block run on these processors; none means any."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
