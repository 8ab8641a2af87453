"""The URL of Redis: one server, the Sentinels that name a primary, or some servers of Redis Cluster."""

import re
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from ocpp_core._dataclasses import dataclass

__all__ = ["Credentials", "RedisAddress", "RedisUrl", "Topology", "read_url"]

_SCHEME: Final = re.compile(r"(?:redis|rediss)(?:\+(sentinel|cluster))?|unix")
_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_DATABASE: Final = re.compile(r"/?([0-9]*)")
_SERVICE: Final = re.compile(r"/([A-Za-z0-9_.-]{1,64})(?:/([0-9]+))?")
_NO_DATABASE: Final = re.compile(r"/?(0?)")


class Topology(StrEnum):
    """How many servers there are, and how the one for a key is found."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


class RedisAddress(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Credentials(NamedTuple):
    """A user and its password; None for what is not given."""

    user: str | None
    password: str | None


@dataclass(frozen=True, slots=True, repr=False)
class RedisUrl:
    """The parts of a URL."""

    topology: Topology
    """What `addresses` are."""
    addresses: tuple[RedisAddress, ...]
    """The server, the Sentinels, or some servers of Redis Cluster; none for a socket."""
    socket: str | None
    """The path of a Unix socket."""
    service: str
    """What Sentinel calls the primary and its replicas."""
    database: int
    """The number of the database."""
    credentials: Credentials
    """Those of Redis, not of Sentinel."""
    is_tls: bool
    """True if connections use TLS."""
    shown: str
    """The URL without user, password and options."""


def read_url(url: str) -> RedisUrl:
    """Return the parts of a URL. Raises ValueError, without the password, for any other one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("expected url with a host and a number as port, got another URL") from None
    scheme = _SCHEME.fullmatch(parts.scheme)
    if scheme is None:
        raise ValueError(
            f"expected url as redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://, "
            f"got the scheme {parts.scheme!r}"
        )
    topology = Topology(scheme[1]) if scheme[1] else Topology.SINGLE
    userinfo, _, hosts = parts.netloc.rpartition("@")
    service, database = _path(parts, topology)
    return RedisUrl(
        topology=topology,
        addresses=() if parts.scheme == "unix" else _addresses(hosts, topology),
        socket=_socket(parts),
        service=service,
        database=_database(parts.query, database, topology),
        credentials=_credentials(userinfo),
        is_tls=parts.scheme.startswith("rediss"),
        shown=f"{parts.scheme}://{hosts}{parts.path}",
    )


def _socket(parts: SplitResult) -> str | None:
    if parts.scheme != "unix":
        return None
    if not parts.path:
        raise ValueError("expected url with the path of a socket, got none")
    return unquote(parts.path)


def _path(parts: SplitResult, topology: Topology) -> tuple[str, str]:
    """Return the service and the database that a path names."""
    if parts.scheme == "unix":
        return "", ""
    if topology is Topology.SENTINEL:
        found = _SERVICE.fullmatch(parts.path)
        if found is None:
            raise ValueError("expected url of Sentinel with the name of a service as path, got another path")
        return found[1], found[2] or ""
    found = (_DATABASE if topology is Topology.SINGLE else _NO_DATABASE).fullmatch(parts.path)
    if found is None:
        what = "the number of a database as path" if topology is Topology.SINGLE else "no database but 0"
        raise ValueError(f"expected url with {what}, got another path")
    return "", found[1]


def _database(query: str, path: str, topology: Topology) -> int:
    """Return the number of the database; any other option would override what the client relies on."""
    found = re.fullmatch(r"(?:db=([0-9]+))?", query)
    if found is None or (topology is Topology.CLUSTER and query):
        raise ValueError("expected url without options but db=NUMBER, got others")
    return int(found[1] or path or 0)


def _addresses(hosts: str, topology: Topology) -> tuple[RedisAddress, ...]:
    each = hosts.split(",")
    if topology is Topology.SINGLE and len(each) > 1:
        raise ValueError("expected url with one host, got several; use redis+sentinel:// or redis+cluster://")
    return tuple(_address(host, _SENTINEL_PORT if topology is Topology.SENTINEL else _PORT) for host in each)


def _address(text: str, port: int) -> RedisAddress:
    try:
        parts = urlsplit(f"//{text}")
        host, given = parts.hostname, parts.port  # raises for anything but a number
    except ValueError:
        raise ValueError("expected url with a host and a number as port, got another URL") from None
    if not host or given == 0:
        raise ValueError("expected url with a host and a port, got none")
    return RedisAddress(unquote(host), given or port)


def _credentials(userinfo: str) -> Credentials:
    user, _, password = userinfo.partition(":")
    return Credentials(unquote(user) or None, unquote(password) or None)
