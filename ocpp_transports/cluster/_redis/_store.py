"""The registry of a cluster in Redis."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import anyio
from coredis.tokens import PureToken

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId, Renewed, UnknownOwner
from ocpp_transports.cluster._store import ForeignDataError, LayoutError, StoreUnavailableError

from ._commands import Command, PlainCommand, Reply, ScriptCall
from ._connection import CommandExecutor
from ._errors import Unreachable, checked
from ._keys import LAYOUT, Keys
from ._own_connection import OwnConnection
from ._replies import address_of, entry_of, foreign, generation_of, losses_of, owner_of, stations_of
from ._scripts import CLAIM, RELEASE, RESTORE, STATE, WATCH, Script
from ._settings import RedisSettings
from ._sweeper import Sweeper

__all__ = ["RedisStore"]

_FIELDS_AT_ONCE: Final = 1_000
"""Stations that one command asks for: Redis serves nobody else meanwhile."""
_STATE: Final = PlainCommand("", lambda pipe: pipe.eval(STATE))
"""With its text, so that it is always executed before the commands that follow."""
_LAYOUT: Final = re.compile(rb"[0-9]+:[0-9]+")


class RedisStore:
    """The registry as one node sees it; see `RegistryStore`.

    Args:
        settings: Where Redis is.
        lease: Seconds that the node counts as alive after `renew` was executed.
        timeout: Seconds until a method raises `StoreUnavailableError`.
    """

    def __init__(self, settings: RedisSettings, lease: float, timeout: float) -> None:
        self.buckets: Final = settings.buckets
        self._settings = settings
        self._keys = Keys(settings.prefix, settings.buckets)
        self._lease = lease
        self._timeout = timeout
        self._connection = OwnConnection(settings, timeout)
        self._me = NodeId("")
        self._address = ""

    # Life

    async def open(self, node: NodeId, address: str | None) -> Renewed:
        """Connect, check the layout, and write the lease; see `RegistryStore`. Another layout is left as it is."""
        if self._connection.executor is not None:
            raise RuntimeError("cannot open: the store is open; close it first")
        self._me, self._address = node, address or ""
        runtime = self._connection.open()
        try:
            deadline = self._deadline()
            self._check_layout(await self._run(self._layout(), deadline))
            renewed = await self._renew(deadline)
        except BaseException:
            await self._connection.aclose()
            raise
        runtime.spawn(Sweeper(self._keys, node, self._lease, self._ask).run())
        return renewed

    async def aclose(self) -> None:
        """Remove the lease and the counters of this node, and disconnect. Idempotent."""
        if self._connection.executor is None:
            return
        try:
            with suppress(StoreUnavailableError, ForeignDataError):
                await self._run(self._goodbye(), self._deadline())
        finally:
            await self._connection.aclose()

    def _goodbye(self) -> list[Command]:
        lease, counter = self._keys.lease(self._me), f"~{self._me}"
        return [
            PlainCommand(lease, lambda pipe: pipe.delete([lease])),
            *(_deletion(key, counter) for key in self._keys.buckets),
        ]

    # Layout

    def _layout(self) -> list[Command]:
        """Write the version of the layout if there is none, and read it."""
        key, value = self._keys.layout, self._keys.layout_value
        return [
            PlainCommand(key, lambda pipe: pipe.set(key, value, condition=PureToken.NX)),
            PlainCommand(key, lambda pipe: pipe.get(key)),
        ]

    def _check_layout(self, replies: Sequence[Reply]) -> None:
        found = replies[1]
        if found == self._keys.layout_value:
            return
        if found is None or not _LAYOUT.fullmatch(found):
            raise foreign(self._keys.layout, "the version of the layout")
        version, _, buckets = found.decode().partition(":")
        raise LayoutError(
            f"expected data with layout {LAYOUT} and {self.buckets} buckets in Redis, got layout {version} and "
            f"{buckets} buckets; use the same version and the same buckets on every node, or another prefix"
        )

    # Stations

    async def claim(self, identity: str) -> Claimed:
        """Take a station for this node; see `RegistryStore`."""
        key = self._keys.bucket(identity)
        call = ScriptCall(CLAIM, (key, self._keys.waiters(identity)), (_encoded(identity), self._me))
        entry = entry_of((await self._run([call], self._deadline()))[0], key)
        return Claimed(entry.fence, entry.losses, entry.before, entry.generation, entry.waiters)

    async def restore(self, identity: str, fence: int) -> ClaimRestored:
        """Take a station again under its old fence; see `RegistryStore`."""
        key, reply = await self._on_station(RESTORE, identity, fence)
        entry = entry_of(reply, key)
        return ClaimRestored(entry.is_ours, entry.before, entry.losses, entry.generation)

    async def release(self, identity: str, fence: int) -> bool:
        """Remove the entry of a station if it is this node's with this fence; see `RegistryStore`."""
        _, reply = await self._on_station(RELEASE, identity, fence)
        return bool(reply)

    async def _on_station(self, script: Script, identity: str, fence: int) -> tuple[str, Reply]:
        key = self._keys.bucket(identity)
        call = ScriptCall(script, (key,), (_encoded(identity), self._me, fence))
        return key, (await self._run([call], self._deadline()))[0]

    async def check(self, identities: Sequence[str]) -> Sequence[ClusterOwner | UnknownOwner | None]:
        """Return the owners of stations in their order; see `RegistryStore`."""
        by_bucket: defaultdict[str, list[str]] = defaultdict(list)
        for identity in dict.fromkeys(identities):
            by_bucket[self._keys.bucket(identity)].append(identity)
        parts = [
            (key, inside[at : at + _FIELDS_AT_ONCE])
            for key, inside in by_bucket.items()
            for at in range(0, len(inside), _FIELDS_AT_ONCE)
        ]
        stamped = await self._run_stamped([_entries(key, part) for key, part in parts], self._deadline())
        owners: dict[str, ClusterOwner | UnknownOwner | None] = {}
        for (key, part), (_, values) in zip(parts, stamped, strict=True):
            if isinstance(values, Unreachable):
                owners.update(dict.fromkeys(part, UnknownOwner.UNKNOWN))
            else:
                owners.update(zip(part, (owner_of(value, key) for value in values), strict=True))
        return [owners[identity] for identity in identities]

    async def find(self, identity: str) -> Found | None:
        """Return the owner of a station, and what its lease says; see `RegistryStore`."""
        deadline, key = self._deadline(), self._keys.bucket(identity)
        owner = owner_of((await self._run([_entries(key, [identity])], deadline))[0][0], key)
        return await self._found(owner, deadline)

    async def watch(self, identity: str) -> Found | None:
        """Let this node wait for a station, and return where it is; see `RegistryStore`."""
        deadline, key = self._deadline(), self._keys.bucket(identity)
        arguments = (_encoded(identity), self._me, round(self._lease * 1000))
        call = ScriptCall(WATCH, (key, self._keys.waiters(identity)), arguments)
        owner = owner_of((await self._run([call], deadline))[0], key)
        return await self._found(owner, deadline)

    async def _found(self, owner: ClusterOwner | None, deadline: float) -> Found | None:
        return None if owner is None else (await self._with_leases({"": owner}, deadline))[""]

    async def stations_of(self, buckets: Sequence[int]) -> Mapping[str, Found]:
        """Return the stations of some buckets, each read in parts; see `RegistryStore`."""
        cursors = {self._keys.buckets[number]: 0 for number in buckets}
        owners: dict[str, ClusterOwner] = {}
        while cursors:
            parts = await self._run([_part(key, cursor) for key, cursor in cursors.items()], self._deadline())
            for _, fields in parts:
                owners |= stations_of(fields)
            cursors = {key: cursor for key, (cursor, _) in zip(cursors, parts, strict=True) if cursor}
        return await self._with_leases(owners, self._deadline())

    async def _with_leases(self, owners: Mapping[str, ClusterOwner], deadline: float) -> dict[str, Found]:
        if not owners:
            return {}
        nodes = tuple({owner.node for owner in owners.values()})
        leases = [self._keys.lease(node) for node in nodes]
        values = await self._run([_value(lease) for lease in leases], deadline)
        addresses = {
            node: (address_of(value, lease), value is not None)
            for node, lease, value in zip(nodes, leases, values, strict=True)
        }
        return {identity: Found(owner, *addresses[owner.node]) for identity, owner in owners.items()}

    # Lease

    async def renew(self) -> Renewed:
        """Renew the lease in one round trip; see `RegistryStore`. Raises LayoutError if the layout was replaced."""
        return await self._renew(self._deadline())

    async def _renew(self, deadline: float) -> Renewed:
        """Renew the lease, and read the counters of each bucket whose server answers."""
        fields = ["since", f"~{self._me}"]
        counters = [_fields(key, fields) for key in self._keys.buckets]
        stamped = await self._run_stamped([*self._layout(), self._renewal(), *counters], deadline)
        (_, written), (_, layout), (_, renewed) = stamped[:3]
        if isinstance(renewed, Unreachable):
            raise self._unavailable(renewed)
        if not isinstance(layout, Unreachable):
            self._check_layout((written, layout))
        each = zip(self._keys.buckets, stamped[3:], strict=True)
        generations, losses = zip(*(_counted(key, *answer) for key, answer in each), strict=True)
        return Renewed(generations, losses)

    def _renewal(self) -> Command:
        lease, milliseconds = self._keys.lease(self._me), round(self._lease * 1000)
        return PlainCommand(lease, lambda pipe: pipe.set(lease, self._address, px=milliseconds))

    # Redis

    def _deadline(self) -> float:
        return anyio.current_time() + self._timeout

    async def _run(self, commands: Sequence[Command], deadline: float) -> list[Reply]:
        """Return the replies to commands. Raises StoreUnavailableError, ForeignDataError."""
        with self._explained():
            replies = await self._opened().execute(commands, deadline)
        return [checked(reply, command.key) for command, reply in zip(commands, replies, strict=True)]

    async def _run_stamped(self, commands: Sequence[Command], deadline: float) -> list[tuple[Reply, Reply]]:
        """Return the replies to commands, each with the state of its server. Raises as `_run`.

        Both are an `Unreachable` if only other servers answered.
        """
        with self._explained():
            stamped = await self._opened().execute_stamped(_STATE, commands, deadline)
        return [
            answer if isinstance(answer[1], Unreachable) else tuple(checked(each, command.key) for each in answer)
            for command, answer in zip(commands, stamped, strict=True)
        ]

    async def _ask(self, commands: Sequence[Command]) -> list[Reply]:
        return await self._run(commands, self._deadline())

    def _opened(self) -> CommandExecutor:
        executor = self._connection.executor
        if executor is None:
            raise RuntimeError("cannot use the store: it is not open; call open() first")
        return executor

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except Unreachable as error:
            raise self._unavailable(error) from None

    def _unavailable(self, why: Unreachable) -> StoreUnavailableError:
        return StoreUnavailableError(f"cannot use Redis at {self._settings.where.shown}: {why}")


def _counted(key: str, state: Reply, counters: Reply) -> tuple[str | None, int]:
    """Return the generation of a bucket and the losses of the node; no generation if its server did not answer."""
    if isinstance(counters, Unreachable):
        return None, 0
    (now, generation), (since, lost) = state, counters
    return generation_of(generation), losses_of(since, lost, int(now), key)


def _entries(key: str, identities: Sequence[str]) -> Command:
    return _fields(key, [b"=" + _encoded(identity) for identity in identities])


def _encoded(identity: str) -> bytes:
    """Return an identity as bytes: coredis would fail for one with half a surrogate pair, and others with it."""
    return identity.encode("utf-8", "surrogatepass")


def _fields(key: str, fields: Sequence[str | bytes]) -> Command:
    return PlainCommand(key, lambda pipe: pipe.hmget(key, fields))


def _value(key: str) -> Command:
    return PlainCommand(key, lambda pipe: pipe.get(key))


def _part(key: str, cursor: int) -> Command:
    return PlainCommand(key, lambda pipe: pipe.hscan(key, cursor, count=_FIELDS_AT_ONCE))


def _deletion(key: str, field: str) -> Command:
    return PlainCommand(key, lambda pipe: pipe.hdel(key, [field]))
