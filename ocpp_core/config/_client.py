"""The settings of a client, and the target of its upgrade requests."""

from collections.abc import Mapping
from dataclasses import field, replace
from math import inf
from types import MappingProxyType

from ocpp_core._dataclasses import dataclass
from ocpp_core.backoff import Backoff, ExponentialBackoff
from ocpp_core.versions import Version
from ocpp_core.websocket.headers import expect_subprotocols

from ._declared import expect_declared, number
from ._session import SessionConfig
from ._validator import Validator

__all__ = ["ClientConfig", "UpgradeTarget"]


@dataclass(frozen=True, slots=True)
class UpgradeTarget:
    """The host and the resource of a client's upgrade request, from the next attempt on."""

    host: str
    """The Host header: name or address, with the port if it is not the scheme's default."""
    target: str = field(repr=False)
    """The request target: path and query, percent-encoded; the query may contain a token."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Further header fields, among them Authorization: never logged."""


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class ClientConfig:
    """The settings of a client for all its connections.

    Raises ValueError for a value out of range, TypeError for a flag that is not a bool and a text as the list of
    `protocols`.
    """

    protocols: tuple[str, ...]
    """Subprotocols offered at every attempt, in order of preference: at least one, distinct tokens."""
    session: SessionConfig = field(default_factory=SessionConfig)
    """The settings of each new session."""
    validators: Mapping[str, Validator] = field(default_factory=lambda: MappingProxyType({}))
    """Strict mode by negotiated subprotocol; the others use `session.validator`."""
    reconnect: bool = True
    """True to reconnect after the loss of an open connection."""
    max_reconnects: float = number(inf, least=0, unit="attempts")
    """Failed attempts in a row; then the client stops with 1001."""
    backoff: Backoff = field(default_factory=ExponentialBackoff)
    """The policy for the wait before each attempt."""
    max_retry_after: float = number(3600.0, least=0)
    """Most seconds of a Retry-After that are respected; 0 ignores it. Jitter of a quarter is added."""
    connect_timeout: float = number(30.0, above=0)
    """Seconds from the start of an attempt to the open WebSocket; then the attempt fails. `inf`: no limit."""
    retry_initial_connect: bool = False
    """True to retry after a failed first attempt as well, except after an invalid 101; `connect` still reports the
    failure."""
    offline_queue: bool = False
    """True to queue calls made without a connection and send them on the next one; a stopped client queues none."""
    offline_queue_size: int = number(1000, least=1, unit="calls")
    """Calls in the offline queue; beyond, the oldest one that is not urgent settles with CallDroppedError. A client
    with an outbox queues as many messages besides."""
    versions: tuple[Version, ...] = ()
    """The facts of custom subprotocols; see `versions.version_of`."""
    _sessions: dict[str, SessionConfig] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        expect_declared(self)
        expect_subprotocols(self.protocols)
        if self.session.require_registration:
            raise ValueError("expected require_registration only in the config of a server's sessions")
        if self.max_retry_after == inf:
            raise ValueError("expected max_retry_after < inf seconds, got inf: a server could block a client")

    def session_in(self, subprotocol: str) -> SessionConfig:
        """Return the settings of a session in this subprotocol: one object for all connections with this config."""
        validator = self.validators.get(subprotocol)
        if validator is None:
            return self.session
        if subprotocol not in self._sessions:
            self._sessions[subprotocol] = replace(self.session, validator=validator)
        return self._sessions[subprotocol]
