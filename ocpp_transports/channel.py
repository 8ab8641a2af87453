"""Channels: how a WebSocket of another library carries a server's connections, or those of a client.

`asgi`, `wslib` and `memory` are made of this. For a server, with whatever accepts its connections:

    incoming = server.incoming(UpgradeOffer(target, headers, subprotocols))
    answer = await incoming.decision()
    if isinstance(answer, Accept):
        channel = ...                      # answer the request by 101, with answer.subprotocol
        await incoming.carry(channel)      # until it is over
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Unpack

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
from ._options._client import ClientOptions
from ._options._connection import BUNDLED_PROTOCOLS
from ._options._keywords import ClientChanges, ClientKeywords
from ._options._warm_up import warm_up_in_thread
from ._peer._client import ClientCommand, ClientPeer
from ._runtime._base import SocketRuntime
from ._runtime._current import current_runtime

if TYPE_CHECKING:
    from ._server._acceptor import Acceptor

__all__ = ["Accept", "Channel", "ChannelClient", "ChannelClosed", "Incoming", "Reject", "UpgradeOffer"]


@dataclass(frozen=True, slots=True)
class UpgradeOffer:
    """The request that a WebSocket begins with, and what is known of its connection."""

    target: str = field(repr=False)
    """Path and query as received, percent-encoded; the query may hold a token."""
    headers: Sequence[tuple[str, str]] = field(default=(), repr=False)
    """Header fields as received, in order; the case of their names does not matter."""
    subprotocols: Sequence[str] = ()
    """Those that the station offers, in its order."""
    remote_address: str | None = None
    """Numeric address of the peer."""
    client_certificate: Mapping[str, Any] | None = None
    """The verified certificate as `ssl.SSLSocket.getpeercert()` gives it."""
    tls: bool = False


class Incoming:
    """One connection that comes in over a channel; `OCPPServer.incoming` makes it."""

    def __init__(self, acceptor: "Acceptor", connection: ChannelConnection, offer: UpgradeOffer) -> None:
        self._acceptor = acceptor
        self._connection = connection
        self._offer = offer
        self.subprotocol: str | None = None
        """What was chosen from the offer, once the server has accepted."""
        self.max_message_size = acceptor.options.max_message_size
        """Bytes of one message, for channels that can tell; beyond, close with 1009."""
        facts = ConnectionFacts(offer.remote_address, offer.client_certificate, offer.tls)
        self._engine, self._driver = acceptor.accept_channel(connection, facts)
        connection.driver = self._driver

    async def decision(self) -> Accept | Reject:
        """Have the server decide, by its options and its `auth`; to be awaited once, and then obeyed.

        `Accept.subprotocol` is for the 101, `Reject` has status, headers and body of another answer. Cancelling it
        means that the peer has left.
        """
        offer = self._offer
        try:
            answer = await self._driver.ask(
                lambda token: UpgradeReceived(token, offer.target, offer.headers, offer.subprotocols)
            )
        except OCPPError:  # it was given up while it waited
            return refuse(503, "Closing")
        except BaseException:  # cancelled, perhaps when it was decided already
            self.lost()
            raise
        if isinstance(answer, Reject):
            return answer
        self.subprotocol = answer.subprotocol
        return Accept(answer.subprotocol, answer.headers)

    async def carry(self, channel: Channel) -> None:
        """Carry the conversation over the channel that was opened, until it is over; cancelling drops the channel.

        The channel is closed at once where it took longer than `handshake_timeout` to open, or the server closes.
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
        """Carry the conversation in a task of the server's."""
        self._connection.spawn_own(self.carry(channel))

    def lost(self) -> None:
        """Say that there will be no channel although the server accepted: the peer has left."""
        self._driver.feed(TransportLost())


class ChannelClient(ClientPeer):
    """A client over channels; `OCPPClient` but for what opens its connections. Subclasses say how.

    Takes the options of `OCPPClient`. Raises as it does.
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

        Whatever it raises is a failed attempt: `ConnectionFailedError` and its kinds as they are, all else chained to
        one. After `WebsocketUpgradeError` of the first attempt there is no further one; the Retry-After of
        `UnexpectedHttpResponse` is heeded, up to `max_retry_after`. It is cancelled where the attempt takes longer than
        `connect_timeout`.
        """

    def reconfigure(self, **options: Unpack[ClientChanges]) -> None:
        """Change options: those of calls at once, those of connecting at the next attempt.

        Raises as the constructor does, and then changes nothing.
        """
        self._reconnect_by(self._options.changed(options))

    # For the base class

    async def _get_ready(self) -> None:
        await warm_up_in_thread(self._options)

    def _start_engine(self, *, in_block: bool) -> tuple[SocketRuntime, ClientEngine, Driver[ClientCommand]]:
        runtime = current_runtime(type(self).__name__, in_block=in_block, log=self._log)
        engine = ClientEngine(self._client_config(), random=SystemRandom(), ids=self._options.ids)

        def dial(
            driver: InputSink[MessageInput | TransportFailed], attempt: int, subprotocols: Sequence[str]
        ) -> ChannelConnection:
            return ChannelConnection(runtime, attempt).dial_by(lambda: self.open_channel(subprotocols), driver)

        driver: Driver[ClientInput] = Driver(engine, runtime, self._delegate, dialer=dial)
        return runtime, engine, driver
