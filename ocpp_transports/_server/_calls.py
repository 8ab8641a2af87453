"""Calls of a server to its stations, by their identities."""

from typing import Any, Unpack, overload

from ocpp_core.errors import ConnectionLostError
from ocpp_core.outbound.call import check_command
from ocpp_transports._handlers._caller import CallKeywords, Params
from ocpp_transports._logging._log import Log
from ocpp_transports._options._connection import PeerOptions
from ocpp_transports._peer._calls import read_request

from ._registry import ConnectionRegistry

__all__ = ["StationCalls"]


class StationCalls:
    """Calls to whoever is connected under an identity."""

    _options: PeerOptions
    _registry: ConnectionRegistry
    _log: Log

    @overload
    async def call(
        self, identity: str, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    async def call(
        self, identity: str, protocol: str, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any]: ...
    async def call(self, identity: str, /, *args: Any, **options: Unpack[CallKeywords]) -> dict[str, Any]:
        """Call a connected station: `OCPPServerClient.call` behind its identity.

        Raises ConnectionLostError with `sent=False` if it is not connected.
        """
        station = self._registry.get(identity)
        if station is None:
            self._check_call(args, options)
            raise ConnectionLostError(f"{identity!r} is not connected", sent=False)
        return await station.call(*args, **options)

    @overload
    async def safe_call(
        self, identity: str, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any] | None: ...
    @overload
    async def safe_call(
        self, identity: str, protocol: str, action: str, params: Params = ..., /, **options: Unpack[CallKeywords]
    ) -> dict[str, Any] | None: ...
    async def safe_call(self, identity: str, /, *args: Any, **options: Unpack[CallKeywords]) -> dict[str, Any] | None:
        """Call a connected station, and return None where `call` would raise for what happened."""
        station = self._registry.get(identity)
        if station is None:
            self._check_call(args, options)
            self._log.warning(f"no call to {identity!r}: it is not connected")
            return None
        return await station.safe_call(*args, **options)

    def _check_call(self, args: tuple[Any, ...], options: CallKeywords) -> None:
        """Raise for the bad arguments of a call to nobody, as they would raise for a connected station."""
        check_command(read_request(args, options).command(0), self._options.session, 0.0)
