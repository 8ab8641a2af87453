"""The runtime of asyncio on a virtual network that carries whole messages."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from ocpp_core.admission.pins import fingerprint_of
from ocpp_core.admission.step import refuse
from ocpp_core.errors import OCPPError
from ocpp_core.inputs import Accept, ServerInput, UpgradeReceived
from ocpp_core.stack import ClientStack
from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Dialer, InputSink, StreamInput
from ocpp_transports._driver._sources import Draws
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._base import Address
from ocpp_transports.handshake import ConnectionFacts
from ocpp_transports.laboratory._played_tls import ANONYMOUS

from ._message_link import MessageClientEngine, MessageEnd, MessageLink, UpgradeRequest
from ._network import Network
from ._runtime import VirtualRuntime
from ._sources import SeededSources

__all__ = ["MessageRuntime"]

E = TypeVar("E")


class MessageSources(SeededSources):
    """Replaces the stack of a client by its client engine: there is no WebSocket below it."""

    def engine(self, name: str, draws: Draws, make: Callable[[Draws], E]) -> E:
        """Make an engine: of a client the one of its stack."""
        made = super().engine(name, draws, make)
        return cast("E", MessageClientEngine(made.engine, made.target)) if isinstance(made, ClientStack) else made

    def recorded(self, engine: E, record: Callable[[Any], Any]) -> E:
        """Return an engine that is recorded: of a client the one of its stack, which is all that is fed."""
        if isinstance(engine, ClientStack | MessageClientEngine):
            return cast("E", MessageClientEngine(record(engine.engine), engine.target))
        return super().recorded(engine, record)


class MessageRuntime(VirtualRuntime):
    """The part of a virtual event loop that a client or server uses, with connections of whole messages."""

    def __init__(self, log: Log, network: Network, seed: str) -> None:
        super().__init__(log, network, seed)
        self.sources = MessageSources(seed)

    def dialer(self, where: Callable[[], Address]) -> Dialer[StreamInput, bytes]:
        """Return the dialer of a client; see SocketRuntime."""
        return cast("Dialer[StreamInput, bytes]", partial(self._dial_messages, where))

    def _dial_messages(
        self, where: Callable[[], Address], driver: InputSink[Any], attempt: int, subprotocols: Sequence[str]
    ) -> MessageEnd:
        end = MessageEnd(self._loop, self, self.context.copy(), attempt)
        end.driver = driver
        engine = cast("Driver[Any]", driver).engine
        if not self.is_closed:
            end.opening = self.spawn(self._open_messages(end, where, cast("MessageClientEngine", engine), subprotocols))
        return end

    async def _open_messages(
        self,
        end: MessageEnd,
        where: Callable[[], Address],
        engine: MessageClientEngine,
        subprotocols: Sequence[str],
    ) -> None:
        target = "the server"
        try:
            address = where()
            target = f"{address.host}:{address.port}"
            link = await self.network.dial(MessageLink, address)
            link.open(end, UpgradeRequest(engine.target, subprotocols, address.ssl is not None))
        except Exception as error:  # every exception of the network is an outcome
            end.failed(error, target)

    def accept_link(self, is_tls: bool, connected: Connected, rules: AcceptRules, link: Any) -> None:
        """Serve a connection; see VirtualPorts."""
        self.context.copy().run(self._accept_messages, is_tls, rules, link)

    def _accept_messages(self, is_tls: bool, rules: AcceptRules, link: MessageLink) -> None:
        if rules.accept_channel is None:
            link.refuse()
            return
        end = MessageEnd(self._loop, self, self.context.copy())
        _, driver, _ = rules.accept_channel(end, self._facts_of(link.name, is_tls=is_tls))
        end.driver = cast("InputSink[Any]", driver)
        link.accept(end)
        self.spawn(self._decide(link, end, driver))

    def _facts_of(self, name: str, *, is_tls: bool) -> ConnectionFacts:
        tls = self.network.tls_of(name) if is_tls else ANONYMOUS
        fingerprint = None if tls.certificate is None else fingerprint_of(tls.certificate)
        return ConnectionFacts(self.network.address_of(name), tls.getpeercert(), is_tls, fingerprint)

    async def _decide(self, link: MessageLink, end: MessageEnd, driver: Driver[ServerInput]) -> None:
        target, offered = link.request.target, link.request.subprotocols
        headers = [("Host", target.host), *target.headers]
        try:
            answer = await driver.ask(lambda token: UpgradeReceived(token, target.target, headers, tuple(offered)))
        except OCPPError:  # it was abandoned while it waited
            answer = refuse(503, "Closing")
        if end.is_over:
            return
        link.to_station.fly(answer)
        if isinstance(answer, Accept):
            end.opened(answer.subprotocol)
        else:
            end.end_unopened()
