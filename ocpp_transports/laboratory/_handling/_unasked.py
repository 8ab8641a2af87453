"""A station in this process that a server admits without its checks: neither credentials, `auth` nor limits."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ocpp_core.actions import UpgradeRequested
from ocpp_core.admission.request import CheckIdentity, ChooseSubprotocol, ReadRequest
from ocpp_core.admission.step import Candidate, refuse
from ocpp_core.errors import UnexpectedHttpResponse
from ocpp_core.identity import StationKey
from ocpp_core.inputs import Reject, ServerInput, UpgradeReceived
from ocpp_transports._driver._driver import Driver
from ocpp_transports._hosts._channel import ChannelConnection
from ocpp_transports._hosts._counted_channel import channel_connection
from ocpp_transports._server._admitting._acceptor import Acceptor, _PendingHandshake
from ocpp_transports._server._admitting._policy import Policy
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports.channel import Channel, ChannelClient
from ocpp_transports.handshake import ConnectionFacts
from ocpp_transports.memory import memory_channels
from ocpp_transports.server import OCPPServer

__all__ = ["UnaskedStation"]

_READING: Final = (ReadRequest, ChooseSubprotocol, CheckIdentity)
"""The steps of admission that need nothing but the request."""


class UnaskedStation(ChannelClient):
    """A client in memory that a server admits for the sake of its handlers.

    Args:
        server: The server.
        identity: The identity of the station.
        protocol: The subprotocol.
        path: The path before the identity.
        session: The session of the connection, as `auth` would set it.
    """

    def __init__(self, server: OCPPServer, identity: str, protocol: str, path: str, session: dict[str, Any]) -> None:
        super().__init__(identity, f"ws://memory{path}", protocols=(protocol,), reconnect=False, strict_mode=False)
        self._server = server
        self._session_values = session
        self._pending: _UnaskedHandshake

    async def open_channel(self, subprotocols: Sequence[str]) -> tuple[Channel, str | None]:
        """Let the server read the request, then open a channel; see ChannelClient."""
        acceptor = self._server._start()[1]
        connection = channel_connection(acceptor.runtime)
        self._pending, driver = _admitting(acceptor, connection, self._session_values)
        connection.driver = driver
        target = self._options.upgrade.target
        answer = await driver.ask(lambda token: UpgradeReceived(token, target, (), tuple(subprotocols)))
        if isinstance(answer, Reject):
            raise UnexpectedHttpResponse(answer.status, tuple(answer.headers), answer.body)
        theirs, ours = memory_channels()
        connection.spawn_own(connection.carry(theirs, answer.subprotocol))
        return ours, answer.subprotocol

    async def at_server(self) -> OCPPServerClient:
        """Return the server's handle on this station, once it is connected."""
        return await self._server._registry.wait_for_client(self._pending.key)


def _admitting(
    acceptor: Acceptor, connection: ChannelConnection, session: dict[str, Any]
) -> tuple["_UnaskedHandshake", Driver[ServerInput]]:
    """Return a handshake that is only read, and the driver of its connection."""
    now, options = acceptor.runtime.now(), acceptor.policies[None].own.options
    engine = acceptor._engines.session(options, None, now)
    pending = _UnaskedHandshake(acceptor, engine, ConnectionFacts(), now + options.handshake_limit)
    pending.session = session
    driver: Driver[ServerInput] = Driver(engine, acceptor.runtime, handshake=pending, connection=connection)
    pending.driver = driver
    return pending, driver


class _UnaskedHandshake(_PendingHandshake):
    """The handshake of a station that is admitted as soon as its request is read; it needs no registration either."""

    session: dict[str, Any]
    key: StationKey

    def upgrade_requested(self, action: UpgradeRequested) -> None:
        """Accept, or refuse a request that names no station or no protocol of the server."""
        candidate = Candidate(action, self.facts, session=self.session)
        refusal = self._find_route(candidate) or self._read(candidate)
        self.key = candidate.handshake.key
        if refusal is None and self._acceptor.registry.connection_of(candidate.handshake) is not None:
            refusal = refuse(409, "A station with this identity is connected")
        if refusal is None and candidate.protocol is not None:
            self._accept(candidate, candidate.protocol)
        else:
            self.driver.feed(refusal or refuse(400, "No matching subprotocol"))

    def _find_route(self, candidate: Candidate) -> Reject | None:
        policies = self._acceptor.policies[None]
        policy = policies.own
        if policies.routes is not None:
            match = policies.routes.match(candidate.request.target)
            if isinstance(match, Reject):
                return match
            candidate.matched, policy = match.path, policies._policy(match.value)
        self._policy = _unregistered(policy)
        return None

    def _read(self, candidate: Candidate) -> Reject | None:
        verdicts = (step(candidate) for step in self._policy.steps if isinstance(step, _READING))
        return next(filter(None, verdicts), None)


def _unregistered(policy: Policy) -> Policy:
    """Return the policy without the rule that a station must be registered."""
    configs = {key: replace(config, require_registration=False) for key, config in policy.configs.items()}
    return replace(policy, configs=configs)
