"""The central system beside the page: answers stations of every version, and commands them by lines of text."""

import json
import shlex
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from ocpp_apps.csms.answers import accept_everything
from ocpp_apps.demo.dialects import PROTOCOLS
from ocpp_apps.origins import refuse_foreign_pages
from ocpp_transports import HandlerContext, OCPPError, OCPPServer, OCPPServerClient, SecurityProfile
from ocpp_transports._logging._printable import printable

__all__ = ["HELP", "DemoCsms"]

_INTERVAL: Final = 300
_MOST: Final = 1000
"""Stations that are remembered, and transactions of each."""
_TOKEN: Final = "04A1B2C3D4E5F6"
HELP: Final = """\
list                       the stations that are connected, with their transactions
start STATION [CONNECTOR]  ask for a charging session
stop STATION               ask to end it
reset STATION              ask for a restart
read STATION SETTING       1.6: a configuration key; 2.x: Component.Variable
set STATION SETTING VALUE  change it
call STATION ACTION JSON   anything else
help, quit"""


class DemoCsms:
    """Lets everybody in who knows the password, if there is one; answers, and says what becomes of a command.

    Pages that this machine has not served are refused. What stations say of themselves is escaped.
    """

    def __init__(self, *, password: str | None = None, tell: Callable[[str], None] = print) -> None:
        self._say = tell
        self._numbers = count(1)
        self._transactions: dict[str, dict[int | str, int]] = {}
        self._commands: dict[str, Callable[..., Awaitable[str]]] = {
            name: getattr(self, name) for name in ("list", "start", "stop", "reset", "read", "set", "call")
        }
        self.server = OCPPServer(
            protocols=PROTOCOLS[::-1],  # the newest one that both speak
            security_profile=SecurityProfile.NONE if password is None else SecurityProfile.BASIC,
            credentials=None if password is None else lambda _: password,
        )
        refuse_foreign_pages(self.server)
        self.server.on("client", self._arrived)
        self._add_handlers()

    def _add_handlers(self) -> None:
        accept_everything(self.server, lambda: datetime.now(UTC), interval=_INTERVAL)
        self.server.handle("ocpp1.6", "StartTransaction", self._started)
        self.server.handle("ocpp1.6", "StopTransaction", self._stopped)
        for protocol in ("ocpp2.0.1", "ocpp2.1"):
            self.server.handle(protocol, "TransactionEvent", self._transaction_event)

    def _arrived(self, station: OCPPServerClient) -> None:
        self._tell(f"{station.identity} is connected and speaks {station.protocol}")
        station.on("close", lambda event: self._tell(f"{station.identity} is gone ({event.code})"))

    def _tell(self, line: str) -> None:
        self._say(printable(line))

    # What stations say

    def _started(self, context: HandlerContext) -> Mapping[str, Any]:
        number = next(self._numbers)
        self._note(context.client.identity, number, context.params["connectorId"])
        return {"transactionId": number, "idTagInfo": {"status": "Accepted"}}

    def _stopped(self, context: HandlerContext) -> Mapping[str, Any]:
        self._running(context.client.identity).pop(context.params["transactionId"], None)
        return {}

    def _transaction_event(self, context: HandlerContext) -> Mapping[str, Any]:
        identity, params = context.client.identity, context.params
        number = params["transactionInfo"]["transactionId"]
        if params["eventType"] == "Ended":
            self._running(identity).pop(number, None)
        else:
            self._note(identity, number, params.get("evse", {}).get("id", 0))
        return {"idTokenInfo": {"status": "Accepted"}} if "idToken" in params else {}

    def _note(self, identity: str, number: int | str, place: int) -> None:
        """Remember a transaction, unless its station is one too many or has too many."""
        if identity in self._transactions or len(self._transactions) < _MOST:
            running = self._transactions.setdefault(identity, {})
            if len(running) < _MOST:
                running.setdefault(number, place)

    def _running(self, identity: str) -> dict[int | str, int]:
        return self._transactions.get(identity, {})

    # What is told to them

    async def command(self, line: str) -> str:
        """Do what a line says, and say what became of it. Never raises for what a person may type."""
        try:
            name, *words = _words(line) or [""]
            return await self._commands[name](*words) if name in self._commands else HELP
        except (OCPPError, LookupError, TypeError, ValueError) as error:
            return printable(f"not done: {error}")

    async def list(self) -> str:
        """Name the stations."""
        lines = [
            printable(f"{one.identity} ({one.protocol}) {self._running(one.identity)}") for one in self.server.clients
        ]
        return "\n".join(lines) or "no station is connected"

    async def start(self, identity: str, connector: str = "1") -> str:
        """Ask for a charging session."""
        if self._protocol(identity) == "ocpp1.6":
            payload: dict[str, Any] = {"connectorId": int(connector), "idTag": _TOKEN}
            return await self._ask(identity, "RemoteStartTransaction", payload)
        token = {"idToken": _TOKEN, "type": "ISO14443"}
        payload = {"remoteStartId": next(self._numbers), "idToken": token, "evseId": int(connector)}
        return await self._ask(identity, "RequestStartTransaction", payload)

    async def stop(self, identity: str) -> str:
        """Ask to end every transaction."""
        is_16 = self._protocol(identity) == "ocpp1.6"
        action = "RemoteStopTransaction" if is_16 else "RequestStopTransaction"
        numbers = tuple(self._running(identity))
        answers = [await self._ask(identity, action, {"transactionId": number}) for number in numbers]
        return "\n".join(answers) or "there is no transaction"

    async def reset(self, identity: str) -> str:
        """Ask for a restart."""
        return await self._ask(
            identity, "Reset", {"type": "Soft" if self._protocol(identity) == "ocpp1.6" else "OnIdle"}
        )

    async def read(self, identity: str, setting: str) -> str:
        """Ask for a setting."""
        if self._protocol(identity) == "ocpp1.6":
            return await self._ask(identity, "GetConfiguration", {"key": [setting]})
        return await self._ask(identity, "GetVariables", {"getVariableData": [_where(setting)]})

    async def set(self, identity: str, setting: str, value: str) -> str:
        """Change a setting."""
        if self._protocol(identity) == "ocpp1.6":
            return await self._ask(identity, "ChangeConfiguration", {"key": setting, "value": value})
        data = {**_where(setting), "attributeValue": value}
        return await self._ask(identity, "SetVariables", {"setVariableData": [data]})

    async def call(self, identity: str, action: str, payload: str = "{}") -> str:
        """Call anything."""
        return await self._ask(identity, action, json.loads(payload))

    async def _ask(self, identity: str, action: str, payload: dict[str, Any]) -> str:
        answer = json.dumps(await self.server.call(identity, action, payload), ensure_ascii=False)
        return printable(answer, len(answer))

    def _protocol(self, identity: str) -> str | None:
        client = self.server.get_client(identity)
        if client is None:
            raise LookupError(f"{identity} is not connected")
        return client.protocol


def _words(line: str) -> list[str]:
    """Split a line as a shell does, up to a payload: that is taken as it is."""
    head, brace, payload = line.partition("{")
    return [*shlex.split(head), *([brace + payload] if brace else [])]


def _where(setting: str) -> dict[str, Any]:
    component, _, variable = setting.rpartition(".")
    return {"component": {"name": component}, "variable": {"name": variable}}
