"""The central system (CSMS) of the programs: it accepts every station, and commands it."""

from collections.abc import Collection, Mapping
from itertools import count
from typing import Any, Final, Unpack

from ocpp_apps.origins import refuse_foreign_pages
from ocpp_transports import OCPPServer, SecurityProfile
from ocpp_transports._options._keywords import SocketKeywords

from .answers import Answers, Notify
from .commands import Call, Commands, commands_of
from .transactions import RunningTransactions

__all__ = ["Csms"]

_TOKEN: Final = "04A1B2C3D4E5F6"  # noqa: S105 - the number of a charging card


class Csms:
    """Serves stations of every version, all with the same password; without one, any station may connect.

        csms = Csms()
        async with csms.server:
            await csms.server.listen(9000, "127.0.0.1")
            ...
            await csms.start("CP1")

    Web pages may connect if this machine has served them or they are of one of these `origins`. Stations are asked for
    a heartbeat every `interval` seconds. `notify` is called when a station was accepted, and when a transaction ended.
    Further options are those of `OCPPServer` that a client has as well.
    """

    def __init__(
        self,
        *,
        password: str | None = None,
        origins: Collection[str] = (),
        interval: int = 300,
        notify: Notify = lambda _identity, _milestone: None,
        **options: Unpack[SocketKeywords],
    ) -> None:
        self._transactions = RunningTransactions()
        self._requests = count(1)
        self.server = OCPPServer(
            security_profile=SecurityProfile.NONE if password is None else SecurityProfile.BASIC,
            credentials=None if password is None else lambda _: password,
            **options,
        )
        refuse_foreign_pages(self.server, origins)
        Answers(self._transactions, notify, interval=interval).register(self.server)

    def transactions(self, identity: str) -> Mapping[int | str, int]:
        """Return the transactions that run at a station: the connector of each, by id."""
        return self._transactions.of(identity)

    # Each command returns the payload of the answer. Raises LookupError for a station that is not connected, and what
    # `OCPPServer.call` raises.

    async def start(self, identity: str, connector: int = 1) -> dict[str, Any]:
        """Ask for a charging session."""
        return await self._call(identity, self._words(identity).start(connector, _TOKEN, next(self._requests)))

    async def stop(self, identity: str) -> list[dict[str, Any]]:
        """Ask to end every transaction; returns an answer for each."""
        words = self._words(identity)
        return [await self._call(identity, words.stop(running)) for running in tuple(self.transactions(identity))]

    async def reset(self, identity: str) -> dict[str, Any]:
        """Ask for a restart."""
        return await self._call(identity, self._words(identity).reset())

    async def read(self, identity: str, setting: str) -> dict[str, Any]:
        """Ask for a setting: a configuration key of 1.6, `Component.Variable` of 2.x."""
        return await self._call(identity, self._words(identity).read(setting))

    async def change(self, identity: str, setting: str, value: str) -> dict[str, Any]:
        """Change a setting."""
        return await self._call(identity, self._words(identity).change(setting, value))

    def _words(self, identity: str) -> Commands:
        station = self.server.get_client(identity)
        if station is None or station.protocol is None:
            raise LookupError(f"{identity} is not connected")
        return commands_of(station.protocol)

    async def _call(self, identity: str, call: Call) -> dict[str, Any]:
        return await self.server.call(identity, *call)
