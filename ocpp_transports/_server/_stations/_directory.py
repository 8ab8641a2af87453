"""The directory in which a server looks for stations: its own connections, or one of the application."""

from typing import Protocol

from ocpp_core.identity import StationKey
from ocpp_transports._handlers._caller import CallMethod, SafeCallMethod

from ._connection import OCPPServerClient

__all__ = ["StationCaller", "StationDirectory"]


class StationCaller(Protocol):
    """Calls one station, wherever it is connected; the methods are those of `Peer`."""

    @property
    def call(self) -> CallMethod:
        """Call the station."""

    @property
    def safe_call(self) -> SafeCallMethod:
        """Call, and return None instead of raising when the call fails."""


class StationDirectory(Protocol):
    """Finds stations for `OCPPServer.call`, `safe_call`, `call_many`, `get_client` and `wait_for_client`.

    A server uses its own connections unless its `directory` is replaced. A handle on a station (`OCPPServerClient`)
    belongs to a connection of this process. A station that is connected elsewhere can only be called, so `get_caller`
    may return any object that forwards calls.

    A station is named by its identity or, on a server with namespaces, by its `StationKey`. The server's own directory
    raises ValueError for an identity that is connected in several namespaces.

    Exceptions of these methods reach the caller of the server's method; those of `broadcast` and `call_many` become the
    outcome `Failed`.
    """

    def get_client(self, identity: str | StationKey, /) -> OCPPServerClient | None:
        """Return the handle on a station's newest connection in this process; None without one."""

    def get_caller(self, identity: str | StationKey, /) -> StationCaller | None:
        """Return an object that calls the station, wherever it is connected.

        Returns None if the station is known not to be connected. Must not block. If the answer needs another process,
        return an object whose `call` asks it, and raises `ConnectionLostError` with `sent=False` if the station is not
        connected.
        """

    async def wait_for_client(self, identity: str | StationKey, /) -> OCPPServerClient:
        """Return the handle on the station as soon as it is connected to this process.

        Waits without a limit: the server cancels it at the timeout of its caller, and when it closes.
        """

    async def wait_for_caller(self, identity: str | StationKey, /) -> StationCaller:
        """Return an object that calls the station as soon as it is connected, wherever that is; see `get_caller`."""
