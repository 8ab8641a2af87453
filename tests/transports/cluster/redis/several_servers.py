"""Redis of several servers: a primary with a replica and three Sentinels, and a Redis Cluster."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.free_ports import free_port
from tests.transports.cluster.redis.redis_server import PROGRAM, SECONDS, RedisServer

__all__ = ["RedisCluster", "Watched", "redis_cluster", "sentinel_of", "watched_primary"]

SERVICE = "main"
PASSWORD = "secret of redis"
SENTINEL_PASSWORD = "secret of sentinel"
SLOTS = 16_384


class Watched(NamedTuple):
    """Two servers, of which one is the primary, and three Sentinels."""

    servers: list[RedisServer]
    sentinels: list[RedisServer]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://:{PASSWORD.replace(' ', '%20')}@{hosts}/{SERVICE}"

    def primary(self) -> RedisServer:
        """Return the server that the last Sentinel names."""
        last = self.sentinels[-1]
        port = last.lines("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[-1]
        return next(each for each in self.servers if each.port == int(port))


class _Sentinel(RedisServer):
    """A Sentinel, which keeps its state in its configuration."""

    def __init__(self, folder: Path, port: int, primary: int, password: str = PASSWORD) -> None:
        super().__init__(folder, port, password=SENTINEL_PASSWORD)
        configuration = folder / f"sentinel-{port}.conf"
        configuration.write_text(
            f"bind 127.0.0.1\nport {port}\ndir {folder}\nlogfile sentinel-{port}.log\n"
            f'requirepass "{SENTINEL_PASSWORD}"\nsentinel sentinel-pass "{SENTINEL_PASSWORD}"\n'
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 3000\n"
            + (f'sentinel auth-pass {SERVICE} "{password}"\n' if password else "")
        )
        self._command = [PROGRAM or "", str(configuration), "--sentinel"]


@contextmanager
def sentinel_of(folder: Path, primary: RedisServer) -> Iterator[RedisServer]:
    """Run a Sentinel of a server without a password, which it never replaces."""
    with free_port() as port:
        sentinel = _Sentinel(folder, port, primary.port, password="")
        try:
            sentinel.start()
            yield sentinel
        finally:
            sentinel.kill()


@contextmanager
def watched_primary(folder: Path) -> Iterator[Watched]:
    """Run a primary, its replica, and Sentinels that know each other and the replica."""
    with ExitStack() as stack:
        ports = [stack.enter_context(free_port()) for _ in range(5)]
        options = ("--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0", "--requirepass", PASSWORD)
        servers = [RedisServer(folder, port, *options, password=PASSWORD) for port in ports[:2]]
        sentinels: list[RedisServer] = [_Sentinel(folder, port, ports[0]) for port in ports[2:]]
        for server in servers:
            stack.callback(server.kill)
            server.start()
        servers[1]("REPLICAOF", "127.0.0.1", str(ports[0]))
        _until(lambda: b"state=online" in servers[0]("INFO", "replication"))
        for sentinel in sentinels:  # they look for replicas at their start, and then each 10 s
            stack.callback(sentinel.kill)
            sentinel.start()
        for sentinel in sentinels:
            _until(lambda each=sentinel: b"slaves=1,sentinels=3" in each("INFO", "sentinel"))  # type: ignore[misc]
        yield Watched(servers, sentinels)


class RedisCluster(NamedTuple):
    """The primaries of a Redis Cluster, and the replica of each, if they have some."""

    primaries: list[RedisServer]
    replicas: list[RedisServer]

    @property
    def url(self) -> str:
        """One with two of the servers."""
        return f"redis+cluster://127.0.0.1:{self.primaries[0].port},127.0.0.1:{self.primaries[1].port}"

    def having(self, key: str) -> RedisServer:
        """Return the primary that has the slot of a key now."""
        answer = self.primaries[-1]("EXISTS", key)
        ports = {b":%d" % each.port: each for each in self.primaries}
        return next((ports[port] for port in ports if answer.endswith(port)), self.primaries[-1])


@contextmanager
def redis_cluster(folder: Path, primaries: int = 3, replicas: int = 0) -> Iterator[RedisCluster]:
    """Run servers that form a Redis Cluster; the first `replicas` primaries have one each."""
    with ExitStack() as stack:
        servers, buses = [], []
        for _ in range(primaries + replicas):
            port, bus = (stack.enter_context(free_port()) for _ in range(2))
            options = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "1000")
            more = ("--cluster-config-file", f"nodes-{port}.conf", "--repl-diskless-sync-delay", "0")
            servers.append(RedisServer(folder, port, *options, *more))
            buses.append(bus)
            stack.callback(servers[-1].kill)
            servers[-1].start()
        _join(servers, buses, primaries)
        yield RedisCluster(servers[:primaries], servers[primaries:])


def _join(servers: Sequence[RedisServer], buses: Sequence[int], primaries: int) -> None:
    for at, server in enumerate(servers):
        if at < primaries:
            ends = [round(SLOTS * each / primaries) for each in (at, at + 1)]
            server("CLUSTER", "ADDSLOTSRANGE", str(ends[0]), str(ends[1] - 1))
        server("CLUSTER", "SET-CONFIG-EPOCH", str(at + 1))
        servers[0]("CLUSTER", "MEET", "127.0.0.1", str(server.port), str(buses[at]))
    known = b"cluster_known_nodes:%d" % len(servers)
    for server in servers:
        _until(lambda each=server: known in each("CLUSTER", "INFO"))  # type: ignore[misc]
    for at, replica in enumerate(servers[primaries:]):
        primary = servers[at]("CLUSTER", "MYID").decode()
        _until(lambda each=replica, name=primary: each("CLUSTER", "REPLICATE", name) == b"+OK")  # type: ignore[misc]
        _until(lambda each=servers[at]: b"state=online" in each("INFO", "replication"))  # type: ignore[misc]
    for server in servers:
        _until(lambda each=server: b"cluster_state:ok" in each("CLUSTER", "INFO"))  # type: ignore[misc]


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until, "the servers do not find each other"
        time.sleep(0.01)
