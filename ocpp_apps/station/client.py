"""The interface of the client that connects a simulated station."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from ocpp_transports.event_names import PeerEventName

__all__ = ["Client", "State"]


class State(Protocol):
    """The state of a connection, a member of `ConnectionState`."""

    @property
    def name(self) -> str:
        """CONNECTING, OPEN, CLOSING or CLOSED."""


class Client(Protocol):
    """The part of `OCPPClient` that a station uses. `BrowserClient` has it as well."""

    @property
    def identity(self) -> str:
        """The identity of the station."""

    @property
    def protocol(self) -> str | None:
        """The negotiated subprotocol."""

    @property
    def state(self) -> State:
        """The state of the connection."""

    async def connect(self) -> str:
        """Connect, and return the negotiated subprotocol."""

    async def close(self, code: int = ..., reason: str = ...) -> Any:
        """Close the connection and do not reconnect."""

    async def call(self, action: str, params: Mapping[str, Any], /) -> dict[str, Any]:
        """Call the CSMS."""

    async def safe_call(self, action: str, params: Mapping[str, Any], /) -> dict[str, Any] | None:
        """Call the CSMS. Returns None if the call fails."""

    def handle(self, version: str, action: str, handler: Callable[..., Any], /) -> Any:
        """Register the handler of an action in one version.

        Args:
            version: The subprotocol of the version, such as `ocpp1.6`.
            action: The name of the action.
            handler: The function or coroutine function that responds.
        """

    def use(self, middleware: Callable[..., Awaitable[Any]]) -> Any:
        """Add a middleware around all handlers and calls."""

    def on(self, name: PeerEventName, listener: Callable[..., Any]) -> Any:
        """Register a listener for an event."""

    def off(self, name: PeerEventName, listener: Callable[..., Any]) -> Any:
        """Remove a listener."""

    def send_raw(self, text: str) -> Any:
        """Send a text unchanged."""
