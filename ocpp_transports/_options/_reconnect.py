"""The options of every client on any carrier: endpoint, identity, and reconnecting."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from math import inf
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Self

from ocpp_core._dataclasses import dataclass
from ocpp_core.backoff import Backoff, ExponentialBackoff, OCPPBackoff
from ocpp_core.config import ClientConfig, number
from ocpp_core.handshake import Endpoint, Query, resolve_endpoint
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_transports._callbacks._backoff import ContainedBackoff
from ocpp_transports._logging._log import Log

from ._connection import BUNDLED_PROTOCOLS, PeerOptions, off_at_zero, seconds_or_off
from ._shared._configs import shared

if TYPE_CHECKING:
    from ocpp_transports.outbox._interface import OutboxStore

__all__ = ["ReconnectOptions"]

_CLIENT: Final = ClientConfig(protocols=BUNDLED_PROTOCOLS)
_BACKOFF: Final = ExponentialBackoff()
_OUTBOX: Final = OutboxConfig()
_REMADE: Final = frozenset({"names", "validation_rules"})
"""What checking the options has made, and few clients need again."""


@dataclass(frozen=True, kw_only=True)
class ReconnectOptions(PeerOptions):
    """The options that all clients have in common."""

    identity: str
    """The station's identity: last segment of the URL, and Basic user name."""
    endpoint: str = field(repr=False)
    """ws:// or wss:// URL; the identity is appended. Its query may hold a token."""
    query: Query | None = field(default=None, repr=False)
    """Query parameters to append to the URL."""
    reconnect: bool = _CLIENT.reconnect
    max_reconnects: float = _CLIENT.max_reconnects
    backoff_min: float = number(_BACKOFF.minimum, above=0)
    """Seconds to wait before the first reconnect, before jitter."""
    backoff_max: float = number(_BACKOFF.maximum, above=0)
    """Seconds of the longest wait, before jitter; at least `backoff_min`, and not `inf`."""
    backoff: Backoff | None = None
    """Another policy, for example `OCPPBackoff`; it replaces backoff_min and backoff_max.

    If your own policy raises or returns no finite time, the failure is logged and backoff_min and backoff_max apply.
    """
    max_retry_after: float = _CLIENT.max_retry_after
    connect_timeout: float = seconds_or_off(_CLIENT.connect_timeout)
    """Seconds from the dial to the open WebSocket; then the attempt fails."""
    retry_initial_connect: bool = _CLIENT.retry_initial_connect
    offline_queue: "bool | str | PathLike[str] | OutboxStore" = False
    """The queue for outages: True for one in memory, a path for one in a SQLite database, or an `OutboxStore`.

    Calls made without a connection wait in memory, and are sent once connected; a closed client queues none. Messages
    of `enqueue` wait in the store, until the peer has responded. False: calls fail, and `enqueue` raises RuntimeError.
    """
    offline_queue_size: int = _CLIENT.offline_queue_size
    """Calls that wait without a connection; beyond, the oldest one that is not urgent fails with CallDroppedError. Also
    messages in the store; beyond, messages are dropped that matter least, see `MessageDropped`."""
    offline_queue_config: OutboxConfig = _OUTBOX
    """The settings of the messages: retries, time to live, and what lets them out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.backoff is not None and not callable(getattr(self.backoff, "delay", None)):
            raise TypeError(f"expected backoff as a Backoff, got {type(self.backoff).__name__}")
        query: object = () if self.query is None else self.query
        if isinstance(query, str) or not isinstance(query, (Mapping, Sequence)):
            raise TypeError(f"expected query as a mapping or a list of pairs, got {type(query).__name__}")
        least, most = self.backoff_min, self.backoff_max
        if not least <= most < inf:
            raise ValueError(f"expected backoff_min <= backoff_max < inf seconds, got {least!r} and {most!r}")
        self._expect_offline_queue()
        _ = self.address, self.client

    def _expect_offline_queue(self) -> None:
        config: object = self.offline_queue_config
        if not isinstance(config, OutboxConfig):
            raise TypeError(f"expected offline_queue_config as OutboxConfig, got {type(config).__name__}")
        if self.offline_queue is False and config != _OUTBOX:
            raise ValueError("expected no offline_queue_config without offline_queue: it would not be used")
        if not isinstance(self.offline_queue, bool):
            from ocpp_transports.outbox._choice import expect_store_choice  # loaded only when used

            expect_store_choice(self.offline_queue)

    @classmethod
    def read(cls, identity: str, endpoint: str, protocols: Sequence[str], options: Mapping[str, Any]) -> Self:
        """Return the options made of a client's arguments.

        Raises TypeError for an unknown option, and the errors of the constructor.
        """
        return cls.of(
            {"identity": identity, "endpoint": endpoint, "protocols": protocols, **options}
        )._without_defaults()

    def _without_defaults(self) -> Self:
        """Keep only what is not a default, which is an attribute of the class too: a fleet has thousands of clients."""
        kept = {
            name: value
            for name, value in vars(self).items()
            if name not in _REMADE and value is not getattr(type(self), name, _REMADE)
        }
        object.__setattr__(self, "__dict__", kept | {"validators": self.client.validators})
        return self

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return a copy with changes. Raises the errors of the base class, and ValueError for another queue."""
        if changes.get("offline_queue", self.offline_queue) != self.offline_queue:
            raise ValueError("cannot change offline_queue: it is fixed; pass it to the constructor")
        return super().changed(changes)

    def _changed(self, changes: Mapping[str, Any]) -> Self:
        return super()._changed(changes)._without_defaults()

    @property
    def handshake_limit(self) -> float:
        """Seconds for the whole attempt."""
        return off_at_zero(self.connect_timeout)

    @cached_property
    def address(self) -> Endpoint:
        """The endpoint to connect to."""
        return resolve_endpoint(self.endpoint, self.identity, self.query)

    @property
    def _backoff(self) -> Backoff:
        made = ExponentialBackoff(minimum=self.backoff_min, maximum=self.backoff_max)
        if self.backoff is None or isinstance(self.backoff, (ExponentialBackoff, OCPPBackoff)):
            return made if self.backoff is None else self.backoff
        return ContainedBackoff(self.backoff, made, Log(self.logger, self.identity).failed)

    @cached_property
    def client(self) -> ClientConfig:
        """The engine's config of a client, without trace; shared like `session`."""
        converted = {
            "session": self.session,
            "validators": self.validators,
            "backoff": self._backoff,
            "connect_timeout": self.handshake_limit,
            "offline_queue": self.offline_queue is not False,
        }
        return shared(ClientConfig, self.settings(ClientConfig) | converted)

    def client_config(self, *, trace: bool) -> ClientConfig:
        """Return the engine's config of a client."""
        return replace(self.client, session=replace(self.session, trace=True)) if trace else self.client
