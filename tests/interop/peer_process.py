"""Drives another implementation of OCPP that runs in a process of its own, from tests on any event loop."""

import json
import os
import subprocess
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Any, Final, Self

import anyio

__all__ = ["PATIENCE", "PeerError", "PeerProcess"]

PATIENCE: Final = 20.0
"""Seconds anything may take before a test fails."""


class PeerError(Exception):
    """A command failed in the peer; `facts` say how."""

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        self.facts = facts


class PeerProcess:
    """A peer that takes commands and tells events as JSON lines; see `peer_pypi.py` for which.

    One task at a time may wait for it. It belongs to no event loop, so tests on several loops can share it.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        os.set_blocking(self._output, False)
        self._buffer = b""
        self._messages: deque[dict[str, Any]] = deque()
        self._numbers = count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End the process as a power cut would: without a word to anyone."""
        self._process.kill()
        self._process.communicate()

    async def do(self, command: str, **arguments: Any) -> Any:
        """Run a command in the peer and return its result; raises PeerError if it failed."""
        number = next(self._numbers)
        line = json.dumps({"id": number, "do": command, **arguments}).encode() + b"\n"
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        answer = await self._await_message(id=number)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["result"]

    async def event(self, name: str, **facts: Any) -> dict[str, Any]:
        """Return the next event of this name with these facts, which may have come already."""
        return await self._await_message(event=name, **facts)

    async def _await_message(self, **facts: Any) -> dict[str, Any]:
        with anyio.fail_after(PATIENCE):
            while True:
                for message in self._messages:
                    if facts.items() <= message.items():
                        self._messages.remove(message)
                        return message
                await self._read()

    async def _read(self) -> None:
        await anyio.wait_readable(self._output)
        data = os.read(self._output, 65536)
        if not data:
            raise EOFError("the peer's process has ended")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._messages.extend(json.loads(line) for line in lines)
