"""Channels: let a WebSocket of another library carry the connections of a server or a client.

`asgi`, `wslib` and `memory` are built on this. To connect a server to any other WebSocket library:

    incoming = server.incoming(UpgradeOffer(target, headers, subprotocols))
    answer = await incoming.decision()
    if isinstance(answer, Accept):
        channel = ...                      # respond with 101 and answer.subprotocol
        await incoming.carry(channel)      # returns when the connection has ended
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Any, Unpack

from ocpp_core._dataclasses import dataclass
from ocpp_core.admission.step import refuse
from ocpp_core.client import ClientEngine
from ocpp_core.errors import OCPPError
from ocpp_core.inputs import Accept, ClientInput, Reject, TransportFailed, TransportLost, UpgradeReceived
from ocpp_core.server import Accepted
from ocpp_core.websocket.close import GOING_AWAY, TRY_AGAIN_LATER
from ocpp_transports.handshake import ConnectionFacts

from ._driver._driver import Driver
from ._driver._interfaces import InputSink, MessageInput
from ._hosts._channel import Channel, ChannelClosed, ChannelConnection
from ._hosts._counted_channel import channel_connection
from ._options._client import ClientOptions
from ._options._connection import BUNDLED_PROTOCOLS
from ._options._keywords import ClientChanges, ClientKeywords
from ._options._warm_up import warm_up_in_thread
from ._peer._client import ClientCommand, ClientPeer
from ._runtime._base import SocketRuntime
from ._runtime._current import current_runtime
from ._runtime._recorded import record_engines

if TYPE_CHECKING:
    from ._server._admitting._acceptor import Acceptor

__all__ = ["Accept", "Channel", "ChannelClient", "ChannelClosed", "Incoming", "Reject", "UpgradeOffer"]


@dataclass(frozen=True, slots=True)
class UpgradeOffer:
    """The upgrade request of a WebSocket, and the facts about its connection."""

    target: str = field(repr=False)
    """Path and query as received, percent-encoded; the query may hold a token."""
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    """Header fields as received, in order; the case of their names does not matter."""
    subprotocols: Sequence[str] = ()
    """The subprotocols that the station offers, in its order of preference."""
    remote_address: str | None = None
    """Numeric address of the peer."""
    client_certificate: Mapping[str, Any] | None = None
    """The verified certificate as returned by `ssl.SSLSocket.getpeercert()`."""
    tls: bool = False
    """True if the connection is TLS."""
    certificate_fingerprint: str | None = None
    """SHA-256 fingerprint of the verified certificate, as 64 lower-case hexadecimal digits."""


class Incoming:
    """One incoming connection over a channel; made by `OCPPServer.incoming`."""

    def __init__(self, acceptor: "Acceptor", connection: ChannelConnection, offer: UpgradeOffer) -> None:
        self._acceptor = acceptor
        self._connection = connection
        self._offer = offer
        self.subprotocol: str | None = None
        """The subprotocol that the server chose, once it has accepted."""
        facts = ConnectionFacts(
            offer.remote_address, offer.client_certificate, offer.tls, offer.certificate_fingerprint
        )
        self._engine, self._driver, self._options = acceptor.accept_channel(connection, facts)
        connection.driver = self._driver

    @property
    def max_message_size(self) -> float:
        """Bytes of one message, for channels that can check it; if exceeded, close with 1009.

        A route may change it, so use it after the decision.
        """
        return self._options().max_message_size

    async def decision(self) -> Accept | Reject:
        """Return the server's decision, made with its options and its `auth`; await it once, and obey it.

        `Accept.subprotocol` belongs into the 101 response. `Reject` has the status, headers and body of any other
        response. Cancelling this call means that the peer has left.
        """
        offer = self._offer
        try:
            answer = await self._driver.ask(
                lambda token: UpgradeReceived(token, offer.target, offer.headers, offer.subprotocols)
            )
        except OCPPError:  # it was abandoned while it waited
            return refuse(503, "Closing")
        except BaseException:  # cancelled, perhaps after the decision
            self.lost()
            raise
        if isinstance(answer, Reject):
            return answer
        self.subprotocol = answer.subprotocol
        return Accept(answer.subprotocol, answer.headers)

    async def carry(self, channel: Channel) -> None:
        """Carry the session over the opened channel until it ends; cancelling drops the channel.

        The channel is closed at once if it took longer than `handshake_timeout` to open, or if the server closes.
        """
        if self._acceptor.is_closing:
            await self._turn_away(channel, GOING_AWAY, "going away")
        elif not isinstance(self._engine.state, Accepted):
            await self._turn_away(channel, TRY_AGAIN_LATER, "handshake timeout")
        else:
            await self._connection.carry(channel, self.subprotocol)

    async def _turn_away(self, channel: Channel, code: int, reason: str) -> None:
        try:
            with suppress(ChannelClosed):
                await channel.close(code, reason)
        finally:
            self.lost()

    def start_carrying(self, channel: Channel) -> None:
        """Carry the session in a task of the server."""
        self._connection.spawn_own(self.carry(channel))

    def lost(self) -> None:
        """Report that no channel will follow although the server accepted: the peer has left."""
        self._driver.feed(TransportLost())


class ChannelClient(ClientPeer):
    """A client over channels, which subclasses open.

    In everything else it is an `OCPPClient`.

    Args:
        identity: The identity of the station, the last segment of the URL.
        endpoint: The URL of the central system, `ws://` or `wss://`, without the identity.
        protocols: The subprotocols, in order of preference.

    Raises:
        ValueError: An option has a value that is not allowed.
        TypeError: An option has the wrong type.
        OSError: A certificate cannot be read.
    """

    _options: ClientOptions

    def __init__(
        self,
        identity: str,
        endpoint: str,
        *,
        protocols: Sequence[str] = BUNDLED_PROTOCOLS,
        **options: Unpack[ClientKeywords],
    ) -> None:
        super().__init__(identity, ClientOptions.read(identity, endpoint, protocols, options))

    @abstractmethod
    async def open_channel(self, subprotocols: Sequence[str]) -> tuple[Channel, str | None]:
        """Open a channel for one attempt; return it and the subprotocol that the server chose.

        The call is cancelled if the attempt takes longer than `connect_timeout`.

        Args:
            subprotocols: The subprotocols to offer, in order of preference.

        Raises:
            ConnectionFailedError: The attempt failed; reported as it is. Any other exception is chained to one. The
                Retry-After of `UnexpectedHttpResponse` is respected, up to `max_retry_after`.
            WebsocketUpgradeError: The server's response is invalid; of the first attempt, it ends all attempts.
        """

    def reconfigure(self, **options: Unpack[ClientChanges]) -> None:
        """Change options: those of calls at once, those of connecting at the next attempt.

        Raises the same errors as the constructor, and then changes nothing.
        """
        self._reconnect_by(self._options.changed(options))

    # For the base class

    async def _get_ready(self) -> None:
        await warm_up_in_thread(self._options)

    def _start_engine(self, *, in_block: bool) -> tuple[SocketRuntime, ClientEngine, Driver[ClientCommand]]:
        runtime = current_runtime(type(self).__name__, in_block=in_block, log=self._log)
        if self._options.meter is not None:
            runtime.count(self._options.meter.traffic)
        record_engines(runtime, self._options.recordings, self._log, self._recording_failed)
        engine = self._make_message_engine(runtime.sources)

        def dial(
            driver: InputSink[MessageInput | TransportFailed], attempt: int, subprotocols: Sequence[str]
        ) -> ChannelConnection:
            return channel_connection(runtime, attempt).dial_by(lambda: self.open_channel(subprotocols), driver)

        driver: Driver[ClientInput] = Driver(engine, runtime, self._delegate, dialer=dial)
        return runtime, engine, driver
