"""The central system (CSMS) that all programs of this package share."""

from collections.abc import Collection, Mapping
from itertools import count
from typing import Any, Final, Unpack

from ocpp_apps.origins import refuse_foreign_pages
from ocpp_transports import OCPPServer, SecurityProfile
from ocpp_transports._options._keywords import SocketKeywords

from .answers import Notify, Responder
from .commands import Call, CommandBuilder, commands_of
from .transactions import RunningTransactions

__all__ = ["Csms"]

_TOKEN: Final = "04A1B2C3D4E5F6"  # noqa: S105 - the number of a charging card


class Csms:
    """A server for stations of every version.

        csms = Csms()
        async with csms.server:
            await csms.server.listen(9000, "127.0.0.1")
            ...
            await csms.start("CP1")

    Args:
        password: the password of every station. By default stations need none.
        origins: the origins of web pages that may connect. Pages that this machine serves may always connect.
        interval: seconds between the heartbeats of a station.
        notify: called when a station was accepted, and when a transaction ended.
        options: further options of `OCPPServer`, as far as `OCPPClient` has them too.
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
        self._numbers = count(1)
        self.server: OCPPServer = OCPPServer(
            security_profile=SecurityProfile.NONE if password is None else SecurityProfile.BASIC,
            credentials=None if password is None else lambda _: password,
            **options,
        )
        """The server; listen with it, and close it."""
        refuse_foreign_pages(self.server, origins)
        Responder(self._transactions, notify, interval=interval).register(self.server)

    def transactions(self, identity: str) -> Mapping[int | str, int]:
        """Return the connector of each running transaction of a station, by transaction id."""
        return self._transactions.of(identity)

    # Commands return the payload of the response. They raise LookupError if the station is not connected, and the
    # errors of `OCPPServer.call`.

    async def start(self, identity: str, connector: int = 1) -> dict[str, Any]:
        """Request a charging session."""
        return await self._call(identity, self._requests_of(identity).start(connector, _TOKEN, next(self._numbers)))

    async def stop(self, identity: str) -> list[dict[str, Any]]:
        """Request the end of every transaction. Returns one payload for each."""
        requests = self._requests_of(identity)
        return [await self._call(identity, requests.stop(running)) for running in tuple(self.transactions(identity))]

    async def reset(self, identity: str) -> dict[str, Any]:
        """Request a restart."""
        return await self._call(identity, self._requests_of(identity).reset())

    async def read(self, identity: str, setting: str) -> dict[str, Any]:
        """Request the value of a configuration key (1.6) or a `Component.Variable` (2.x)."""
        return await self._call(identity, self._requests_of(identity).read(setting))

    async def change(self, identity: str, setting: str, value: str) -> dict[str, Any]:
        """Request a new value of a setting; return the payload of the response.

        Args:
            identity: The identity of the station.
            setting: The configuration key of 1.6, or `Component.Variable` of 2.x.
            value: The new value as text.
        """
        return await self._call(identity, self._requests_of(identity).change(setting, value))

    def _requests_of(self, identity: str) -> CommandBuilder:
        station = self.server.get_client(identity)
        if station is None or station.protocol is None:
            raise LookupError(f"{identity} is not connected")
        return commands_of(station.protocol)

    async def _call(self, identity: str, call: Call) -> dict[str, Any]:
        return await self.server.call(identity, *call)
