"""Commands to stations as lines of text, for a terminal."""

import json
import shlex
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ocpp_transports import OCPPError, OCPPServerClient
from ocpp_transports._logging._printable import printable

from .csms import Csms

__all__ = ["HELP", "Console"]

HELP: Final = """\
list                       the stations that are connected, with their transactions
start STATION [CONNECTOR]  request a charging session
stop STATION               request its end
reset STATION              request a restart
read STATION SETTING       1.6: a configuration key; 2.x: Component.Variable
set STATION SETTING VALUE  change it
call STATION ACTION JSON   send any other action
help, quit"""
"""The commands that `Console` runs, as text for a user."""


class Console:
    """Runs commands, and reports stations that connect and disconnect.

    Control characters that a station sends are escaped.
    """

    def __init__(self, csms: Csms, write: Callable[[str], None] = print) -> None:
        self._csms = csms
        self._write = write
        self._commands: dict[str, Callable[..., Awaitable[str]]] = {
            "list": self._list,
            "start": self._start,
            "stop": self._stop,
            "reset": self._reset,
            "read": self._read,
            "set": self._set,
            "call": self._call,
        }
        csms.server.on("client", self._connected)

    def _connected(self, station: OCPPServerClient) -> None:
        self._write(printable(f"{station.identity} is connected and speaks {station.protocol}"))
        station.on("close", lambda event: self._write(printable(f"{station.identity} disconnected ({event.code})")))

    async def command(self, line: str) -> str:
        """Run one command and return its output. Invalid input never raises."""
        try:
            name, *words = _words(line) or [""]
            return await self._commands[name](*words) if name in self._commands else HELP
        except (OCPPError, LookupError, RecursionError, TypeError, ValueError) as error:
            return printable(f"failed: {error}")

    async def _list(self) -> str:
        lines = [
            printable(f"{one.identity} ({one.protocol}) {self._csms.transactions(one.identity)}")
            for one in self._csms.server.clients
        ]
        return "\n".join(lines) or "no station is connected"

    async def _start(self, identity: str, connector: str = "1") -> str:
        return _shown(await self._csms.start(identity, int(connector)))

    async def _stop(self, identity: str) -> str:
        answers = await self._csms.stop(identity)
        return "\n".join(_shown(answer) for answer in answers) or "there is no transaction"

    async def _reset(self, identity: str) -> str:
        return _shown(await self._csms.reset(identity))

    async def _read(self, identity: str, setting: str) -> str:
        return _shown(await self._csms.read(identity, setting))

    async def _set(self, identity: str, setting: str, value: str) -> str:
        return _shown(await self._csms.change(identity, setting, value))

    async def _call(self, identity: str, action: str, payload: str = "{}") -> str:
        return _shown(await self._csms.server.call(identity, action, json.loads(payload), custom=True))


def _shown(answer: dict[str, Any]) -> str:
    text = json.dumps(answer, ensure_ascii=False)
    return printable(text, len(text))


def _words(line: str) -> list[str]:
    """Split a line like a shell, but keep a JSON payload unchanged."""
    head, brace, payload = line.partition("{")
    return [*shlex.split(head), *([brace + payload] if brace else [])]
