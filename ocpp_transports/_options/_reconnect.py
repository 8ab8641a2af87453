"""The options of every client, whatever carries its messages: where to, as whom, how to come back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any, Self

from ocpp_core.backoff import Backoff, ExponentialBackoff, OCPPBackoff
from ocpp_core.config import ClientConfig
from ocpp_core.handshake import Endpoint, Query, resolve_endpoint
from ocpp_transports._logging._log import Log, logger_of

from ._connection import PeerOptions, off_at_zero
from ._contained_backoff import ContainedBackoff

__all__ = ["ReconnectOptions"]


@dataclass(frozen=True, kw_only=True)
class ReconnectOptions(PeerOptions):
    """What all clients have in common."""

    identity: str
    """Of the station: last segment of the URL, and Basic user name."""
    endpoint: str = field(repr=False)
    """ws:// or wss:// URL; the identity is appended. Its query may hold a token."""
    query: Query | None = field(default=None, repr=False)
    """Appended to the URL."""
    reconnect: bool = True
    """Come back when an open connection is lost."""
    max_reconnects: float = inf
    """Failed attempts in a row; then the client closes with 1001."""
    backoff_min: float = 1.0
    """The first wait before an attempt, before jitter."""
    backoff_max: float = 30.0
    """The longest."""
    backoff: Backoff | None = None
    """Another policy, for example `OCPPBackoff`; instead of backoff_min and backoff_max.

    If a policy of your own raises or returns no finite time, that is logged and backoff_min and backoff_max count.
    """
    max_retry_after: float = 3600.0
    """Of a refusal's Retry-After, so much counts at most, plus jitter of a quarter; 0 ignores it."""
    connect_timeout: float = 30.0
    """From the dial to the open WebSocket; 0 for no limit."""
    retry_initial_connect: bool = False
    """Keep trying also after the first attempt failed, unless by a 101 that is wrong; `connect` raises all the same."""
    offline_queue: bool = False
    """Keep calls made without a connection, and send them when there is one; not those of a closed client."""
    offline_queue_size: int = 100
    """Calls kept; beyond, the oldest one is dropped."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(getattr(self.backoff or ExponentialBackoff, "delay", None)):
            raise TypeError(f"expected backoff as a Backoff, got {type(self.backoff).__name__}")
        query: object = self.query or ()
        if isinstance(query, str) or not isinstance(query, (Mapping, Sequence)):
            raise TypeError(f"expected query as a mapping or a list of pairs, got {type(query).__name__}")
        least, most = self.backoff_min, self.backoff_max
        if not all(isinstance(each, (int, float)) for each in (least, most)) or not 0 < least <= most < inf:
            raise ValueError(f"expected 0 < backoff_min <= backoff_max < inf seconds, got {least!r} and {most!r}")
        _ = self.address, self.client

    @classmethod
    def read(cls, identity: str, endpoint: str, protocols: Sequence[str], options: Mapping[str, Any]) -> Self:
        """Make them of a client's arguments. Raises TypeError for an unknown option, and as they do themselves."""
        cls.check_names(options)
        return cls(**{"identity": identity, "endpoint": endpoint, "protocols": protocols, **options})

    @property
    def handshake_limit(self) -> float:
        """The whole attempt has this time."""
        return off_at_zero(self.connect_timeout, "connect_timeout")

    @cached_property
    def address(self) -> Endpoint:
        """Where to connect to."""
        return resolve_endpoint(self.endpoint, self.identity, self.query)

    @property
    def _backoff(self) -> Backoff:
        made = ExponentialBackoff(minimum=self.backoff_min, maximum=self.backoff_max)
        if self.backoff is None or isinstance(self.backoff, (ExponentialBackoff, OCPPBackoff)):
            return self.backoff or made
        return ContainedBackoff(self.backoff, made, Log(logger_of(self.logging), self.identity).failed)

    @cached_property
    def client(self) -> ClientConfig:
        """The engine's config of a client, without trace."""
        return ClientConfig(
            protocols=self.protocols,
            session=self.session,
            validators=self.validators,
            reconnect=self.reconnect,
            max_reconnects=self.max_reconnects,
            backoff=self._backoff,
            max_retry_after=self.max_retry_after,
            connect_timeout=self.handshake_limit,
            retry_initial_connect=self.retry_initial_connect,
            offline_queue=self.offline_queue,
            offline_queue_size=self.offline_queue_size,
        )
