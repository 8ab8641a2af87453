"""Where a server looks for its stations: in its own connections, or wherever an application has them."""

from typing import Protocol

from ocpp_transports._handlers._caller import Caller

from ._connection import OCPPServerClient

__all__ = ["StationDirectory"]


class StationDirectory(Protocol):
    """Finds stations for `OCPPServer.call`, `safe_call`, `get_client` and `wait_for_client`.

    A server looks into its own connections unless its `directory` is replaced. A handle on a station
    (`OCPPServerClient`) belongs to a connection of this process. A station that is connected elsewhere can be called
    only, so `get_caller` may return whatever passes calls on.

    What a method raises reaches whoever called the server.
    """

    def get_client(self, identity: str, /) -> OCPPServerClient | None:
        """Return the handle on the newest connection of a station in this process; None if it has none here."""

    def get_caller(self, identity: str, /) -> Caller | None:
        """Return whatever calls the station, wherever it is connected; None if it is known not to be connected.

        Must not block. Where that cannot be known without asking another process, return a `Caller` whose `call`
        asks, and raises `ConnectionLostError` with `sent=False` if the station is not connected.
        """

    async def wait_for_client(self, identity: str, /) -> OCPPServerClient:
        """Return the handle on the station as soon as it is connected to this process.

        Waits without a limit: the server cancels it at the timeout of its caller, and when it closes.
        """
