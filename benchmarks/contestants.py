"""The servers that are compared: how each is started, and why it may be missing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from select import select
from typing import IO, Final

from benchmarks import accelerators
from benchmarks.builds import ECHO, Build
from benchmarks.compiled import COMPILED
from benchmarks.process import pinned_to

__all__ = [
    "BARE_ASYNCIO",
    "BARE_UVLOOP",
    "BEFORE_ASYNCIO",
    "BEFORE_UVLOOP",
    "COMPAT",
    "COMPILED_ASYNCIO",
    "COMPILED_UVLOOP",
    "CONTESTANTS",
    "C_ECHO",
    "ECHO_UVLOOP",
    "FAST_ASYNCIO",
    "FAST_UVLOOP",
    "NPM",
    "PLAIN_ASYNCIO",
    "PLAIN_TRIO",
    "PYPI",
    "PYPI_INLINE",
    "Contestant",
    "RunningServer",
    "start",
]

_HERE: Final = Path(__file__).parent
_NPM_PEER: Final = _HERE.parent / "tests/interop/node_modules/ocpp-rpc/package.json"
_START_TIMEOUT: Final = 60.0
"""Seconds a server may take to listen."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server under test."""

    key: str
    title: str
    command: tuple[str, ...]
    build: Build = Build.TREE

    @property
    def options(self) -> tuple[str, ...]:
        """The arguments after the script, which the stations of the same kind have, too."""
        return self.command[2:]

    @property
    def uninstalled(self) -> str | None:
        """The reason why its packages cannot run on this machine, or None if they can."""
        if self.command[0] == "node":
            if shutil.which("node") is None:
                return "Node is not installed"
            return None if _NPM_PEER.exists() else "the npm package is not installed (make setup)"
        needed = {"uvloop"} if "uvloop" in self.command else set()
        if "speed" in self.key:
            needed.update(accelerators.ACCELERATORS)
        absent = sorted(needed.intersection(accelerators.missing()))
        return f"not installed: {', '.join(absent)}" if absent else None


def _python(script: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(_HERE / "servers" / script), *arguments)


def _npm_version() -> str:
    return " " + json.loads(_NPM_PEER.read_text(encoding="utf-8"))["version"] if _NPM_PEER.exists() else ""


_PLAIN: Final = "ocpp-ws-io, standard library only"
_FAST: Final = "ocpp-ws-io, with speed"
_COMPILED: Final = "ocpp-ws-io compiled"

PYPI: Final = Contestant(
    "pypi", f"PyPI ocpp {version('ocpp')} + websockets {version('websockets')}", _python("pypi.py")
)
PYPI_INLINE: Final = Contestant("pypi-inline", "the same, ASYNC_VALIDATION off", _python("pypi.py", "--inline"))
COMPAT: Final = Contestant(
    "compat", "ocpp_transports.compat + websockets", _python("pypi.py", "--package", "ocpp_transports.compat")
)
NPM: Final = Contestant("npm", f"npm ocpp-rpc{_npm_version()}, strict", ("node", str(_HERE / "servers" / "npm.mjs")))
PLAIN_ASYNCIO: Final = Contestant(
    "asyncio", f"{_PLAIN}, asyncio", _python("ours.py", "asyncio", accelerators.STANDARD_LIBRARY)
)
PLAIN_TRIO: Final = Contestant("trio", f"{_PLAIN}, trio", _python("ours.py", "trio", accelerators.STANDARD_LIBRARY))
FAST_ASYNCIO: Final = Contestant("speed-asyncio", f"{_FAST}, asyncio", _python("ours.py", "asyncio"))
FAST_UVLOOP: Final = Contestant("speed-uvloop", f"{_FAST}, uvloop", _python("ours.py", "uvloop"))
COMPILED_ASYNCIO: Final = Contestant(
    "compiled-asyncio",
    f"{_COMPILED}, standard library only, asyncio",
    _python("ours.py", "asyncio", accelerators.STANDARD_LIBRARY, COMPILED),
    Build.COMPILED,
)
COMPILED_UVLOOP: Final = Contestant(
    "compiled-speed-uvloop",
    f"{_COMPILED}, with speed, uvloop",
    _python("ours.py", "uvloop", COMPILED),
    Build.COMPILED,
)
BEFORE_ASYNCIO: Final = Contestant("before-asyncio", f"before: {_PLAIN}, asyncio", PLAIN_ASYNCIO.command, Build.BEFORE)
BEFORE_UVLOOP: Final = Contestant("before-speed-uvloop", f"before: {_FAST}, uvloop", FAST_UVLOOP.command, Build.BEFORE)

ECHO_UVLOOP: Final = Contestant("echo-uvloop", "a bare echo in Python, uvloop", _python("bare_echo.py", "uvloop"))
C_ECHO: Final = Contestant("echo-c", "a WebSocket echo in C", (ECHO,), Build.YARDSTICK)
BARE_ASYNCIO: Final = Contestant("bare-asyncio", "a bare TLS server, asyncio", _python("bare_tls.py", "asyncio"))
BARE_UVLOOP: Final = Contestant("bare-uvloop", "a bare TLS server, uvloop", _python("bare_tls.py", "uvloop"))

CONTESTANTS: Final = (
    PYPI,
    PYPI_INLINE,
    NPM,
    PLAIN_ASYNCIO,
    PLAIN_TRIO,
    FAST_ASYNCIO,
    FAST_UVLOOP,
    COMPILED_ASYNCIO,
    COMPILED_UVLOOP,
    C_ECHO,
)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that listens on loopback."""

    port: int
    pid: int


@contextmanager
def start(
    contestant: Contestant,
    log: IO[str],
    cpus: Sequence[int],
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[RunningServer]:
    """Run a server on these processors during a `with` block. Raises RuntimeError if it does not listen."""
    with pinned_to(cpus):
        process = subprocess.Popen(
            [*contestant.command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
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
