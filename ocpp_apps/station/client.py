"""The interface of the client that connects a simulated station."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ocpp_core.outbox.settings import OutboxConfig
from ocpp_transports.event_names import PeerEventName

if TYPE_CHECKING:
    from ocpp_transports.outbox import Ticket, TicketStream

__all__ = ["Client", "State"]


class State(Protocol):
    """The state of a connection, a member of `ConnectionState`."""

    @property
    def name(self) -> str:
        """CONNECTING, OPEN, CLOSING or CLOSED."""


class Client(Protocol):
    """The part of a client with an offline queue that a station uses."""

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

    def enqueue(
        self,
        protocol: str,
        action: str,
        params: Mapping[str, Any],
        /,
        *,
        key: str | None = ...,
        transaction: "Ticket | None" = ...,
        last: bool = ...,
    ) -> "Ticket":
        """Queue a message of one version until the CSMS has responded.

        Args:
            protocol: The subprotocol of the version, such as `ocpp1.6`.
            action: The name of the action.
            params: The payload.
            key: A name of the message.
            transaction: The ticket of its StartTransaction (1.6), whose response has the `transactionId`.
            last: True for the last message of the transaction.

        Raises:
            OCPPError: The message is not queued.
        """

    def outcomes(self) -> "TicketStream":
        """Iterate over the queued messages that have an outcome, until the client closes."""

    @property
    def queued(self) -> "list[Ticket]":
        """The queued messages without an outcome."""

    def reconfigure(self, *, offline_queue_config: OutboxConfig) -> None:
        """Change the settings of the outbox."""

    def divert_messages(self, function: Callable[[str], object] | None) -> None:
        """Let a function divert queued messages: if it returns a true value, their text is not written."""

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
