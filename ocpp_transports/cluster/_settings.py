"""How a process joins a cluster: the value of the option `cluster`, and what it is made of."""

import os
from collections.abc import Callable, Collection
from dataclasses import field
from functools import cached_property
from socket import gethostname
from string import ascii_letters, digits
from typing import Final, Literal, Protocol, TypeAlias, get_args

from ocpp_core._dataclasses import dataclass
from ocpp_core.cluster.records import NodeId
from ocpp_core.cluster.registry.settings import RegistryConfig
from ocpp_core.config import expect_declared, number
from ocpp_transports._options._tls import TLSOptions

from ._carrier import Carrier
from ._direct._advertised import AdvertisedAddress, expect_node_tls
from ._direct._settings import DirectSettings
from ._events._log import EventsBackend
from ._events._settings import EventsOut
from ._shared._store import SharingBackend
from ._store import RegistryStore

__all__ = ["WORKER_VARIABLE", "Backend", "Cluster", "Share", "worker_number"]

Share: TypeAlias = Literal["sessions", "answers", "handshake_rate"]
"""What the servers of a cluster can share besides their stations."""

_NAME_LENGTH: Final = 64
_RENEWALS: Final = 3
"""Renewals in the time of a lease."""
_MARGIN: Final = 1 / 18
"""The part of a lease by which a node stops to believe in its stations before others count it as dead: 0.5 s of 9."""
_OF_HOSTS: Final = ascii_letters + digits + "-."
WORKER_VARIABLE: Final = "OCPP_WORKER"
"""The environment variable with the number of a worker."""


def worker_number() -> int | None:
    """Return the number of this process among the workers of `serve`, from 1.

    A worker that replaces another one has its number, also while the old one still closes. None in any other process,
    except in those that a worker starts: the number is in the environment variable `OCPP_WORKER`.
    """
    number = os.environ.get(WORKER_VARIABLE, "")
    return int(number) if number.isdecimal() else None


class Backend(Protocol):
    """What the nodes of a cluster share: it makes the store and the carrier of each node."""

    def new_store(self, lease: float, timeout: float) -> RegistryStore:
        """Return a store for one node; nothing is opened yet. Both arguments are seconds."""

    def new_carrier(
        self, node: NodeId, received: Callable[[NodeId, bytes], None], lost: Callable[[NodeId], None]
    ) -> Carrier:
        """Return the carrier of a node, and begin to receive.

        Args:
            node: The node.
            received: Function that gets each frame and the node that sent it.
            lost: Function that gets a node which certainly answers no more.
        """


def _redis(url: str) -> Backend:
    try:
        from .redis import RedisBackend  # loaded only when used: it needs coredis
    except ModuleNotFoundError as error:
        raise ImportError("cannot use Redis: coredis is missing; run pip install 'ocpp-ws-io[cluster]'") from error
    return RedisBackend(url)


@dataclass(frozen=True)
class Cluster:
    """How a process joins a cluster.

        server = OCPPServer(protocols=["ocpp1.6"], cluster=Cluster("redis://127.0.0.1:6379", name="csms-1"))

    Raises:
        ValueError: A value is out of its range, or the URL is not one of Redis.
        TypeError: A value has the wrong type.
        ImportError: Redis needs the extra `ocpp-ws-io[cluster]`, which is not installed.
    """

    store: Backend | str = field(repr=False)
    """Where the nodes keep what they share: the URL of Redis, a `RedisBackend`, or a `MemoryCluster`."""
    name: str = ""
    """The name of this node, for logs: at most 64 printable ASCII characters. Nodes may share one. By default the name
    of the host, followed in a worker of `serve` by its number."""
    lease: float = number(9, least=1, most=3600)
    """Seconds after which a node that renews nothing counts as dead; it renews at each third."""
    timeout: float = number(2, least=0.01, most=60)
    """Seconds to wait for an answer of the registry. A station that connects gets 503 then."""
    share: Collection[Share] = ()
    """What the servers share besides their stations: `sessions`, so that a station that moves to another server keeps
    `client.session`; `answers`, so that a repeated CALL gets the response of the earlier server; `handshake_rate`, so
    that this option counts over all servers. Nothing by default. A `ClusterClient` shares nothing."""
    advertise: str | None = None
    """Where other nodes connect to this one, so that calls do not pass through Redis: `tls://host:port`,
    `tcp://host:port` or `unix:///path`. With port 0, the port on which this node listens. None: this node does not
    listen, but connects to those that do."""
    listen: str | None = None
    """Where this node listens, if that differs from `advertise`: `tls://0.0.0.0:7000` in a container."""
    tls: TLSOptions | None = field(default=None, repr=False)
    """Certificate, key and authority for `tls://`. Each node checks that the certificate of the other is from this
    authority, and that of a node which listens also for the host of its address. So use an authority of its own."""
    allow_plain_tcp: bool = False
    """True to listen with `tcp://` beyond this machine. Anyone who reaches the port can command all stations."""
    close_when_lapsed: bool = False
    """True to close the connections of stations with 1013 if the registry is away for longer than `lease`."""
    events: EventsOut | None = None
    """Which events a server writes to streams, where `ClusterEvents` reads them; None for none."""

    def __post_init__(self) -> None:
        _ = self.backend
        if not isinstance(self.name, str):
            raise TypeError(f"expected name as str, got {type(self.name).__name__}")
        if not (len(self.name) <= _NAME_LENGTH and self.name.isascii() and self.name.isprintable()):
            raise ValueError(f"expected name as at most {_NAME_LENGTH} printable ASCII characters, got {self.name!r}")
        expect_declared(self)
        for switch in ("allow_plain_tcp", "close_when_lapsed"):
            if not isinstance(getattr(self, switch), bool):
                raise TypeError(f"expected {switch} as bool, got {type(getattr(self, switch)).__name__}")
        self._expect_share()
        expect_node_tls(self.tls)
        _ = self.advertised
        if self.events is not None:
            if not isinstance(self.events, EventsOut):
                raise TypeError(f"expected events as EventsOut or None, got {type(self.events).__name__}")
            _ = self.events_backend
        if self.timeout >= self.lease * (1 - _MARGIN):
            most = self.lease * (1 - _MARGIN)
            raise ValueError(f"expected timeout below {most:.15g} seconds with this lease, got {self.timeout!r}")

    @cached_property
    def backend(self) -> Backend:
        """The object that makes the store and the carrier of each node."""
        if isinstance(self.store, str):
            return _redis(self.store)
        given: object = self.store
        if not all(callable(getattr(given, name, None)) for name in ("new_store", "new_carrier")):
            got = type(given).__name__
            raise TypeError(f"expected the URL of Redis, a RedisBackend or a MemoryCluster, got {got}")
        return self.store

    @cached_property
    def advertised(self) -> AdvertisedAddress | None:
        """Where this node listens and what it advertises; None if it does not listen."""
        return AdvertisedAddress.read(self.advertise, self.listen, self.tls, allow_plain_tcp=self.allow_plain_tcp)

    def direct_settings(self) -> DirectSettings:
        """Return the settings of streams between nodes: a silent stream ends when a silent node counts as dead."""
        return DirectSettings(tls=self.tls, keepalive=self.lease / _RENEWALS, silence=self.lease)

    def _expect_share(self) -> None:
        if isinstance(self.share, str) or not isinstance(self.share, Collection):
            raise TypeError(f"expected share as a collection of names, got {self.share!r}")
        known = get_args(Share)
        for name in self.share:
            if name not in known:
                raise ValueError(f"expected names of {', '.join(known)} in share, got {name!r}")
        if self.share and not isinstance(self.backend, SharingBackend):
            raise ValueError("cannot share sessions, answers or rates with this store; use Redis or a MemoryCluster")
        object.__setattr__(self, "share", frozenset(self.share))

    @cached_property
    def events_backend(self) -> EventsBackend:
        """The object that has the streams of events. Raises ValueError if the store has none."""
        store = None if self.events is None else self.events.store
        backend = _redis(store) if isinstance(store, str) else store or self.backend
        if not isinstance(backend, EventsBackend):
            raise ValueError("cannot use events with this store: it has no streams; use Redis or a MemoryCluster")
        return backend

    def registry_config(self, buckets: int) -> RegistryConfig:
        """Return the settings of the engine for a store with this number of buckets."""
        return RegistryConfig(
            buckets=buckets,
            lease=self.lease,
            renewal=self.lease / _RENEWALS,
            margin=self.lease * _MARGIN,
            claim_timeout=self.timeout,
            close_when_lapsed=self.close_when_lapsed,
        )

    @property
    def node_name(self) -> str:
        """The name of this node, or that of the host and the worker without one."""
        if self.name:
            return self.name
        host = "".join(each for each in gethostname() if each in _OF_HOSTS) or "node"
        worker = "" if worker_number() is None else f"-{worker_number()}"
        return f"{host[: _NAME_LENGTH - len(worker)]}{worker}"
