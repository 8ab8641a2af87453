"""What the nodes in the workers of one supervisor share: their registry, and the way of their frames.

The workers of a supervisor that was killed go on: each claims stations in a table of its own, so stations can still
connect, but a connection on another worker no longer ends. Calls to stations whose worker was known go on over streams
between the workers. When the port has another supervisor, they join its registry: the other life of its data has each
node restore its claims, and the newest one of a station wins.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any, Final

import anyio

from ocpp_core.cluster.records import Claimed, ClaimRestored, ClusterOwner, Found, NodeId, Renewed
from ocpp_core.cluster.registry.table import RegistryTable
from ocpp_transports.cluster._carrier import NotSentError, UnknownError
from ocpp_transports.cluster._store import StoreUnavailableError

from ._link import SupervisorGoneError, SupervisorLink
from ._packets import BUCKETS, SENT

__all__ = ["WorkersBackend"]

_TIMEOUT: Final = 2.0
"""Seconds until sending a frame fails."""


class WorkersBackend:
    """Makes the store and the carrier of the node in a worker; see `Backend`."""

    def __init__(self, link: SupervisorLink) -> None:
        self._link = link

    def new_store(self, lease: float, timeout: float) -> "WorkersStore":
        """Return a store for the node; the stream to the supervisor takes the place of the lease."""
        return WorkersStore(self._link, lease, timeout)

    def new_carrier(
        self, node: NodeId, received: Callable[[NodeId, bytes], None], lost: Callable[[NodeId], None]
    ) -> "WorkersCarrier":
        """Return the carrier of the node."""
        self._link.attach(received, lost)
        return WorkersCarrier(self._link)


class WorkersStore:
    """The registry in the supervisor as one node sees it; see `RegistryStore`."""

    buckets = BUCKETS

    def __init__(self, link: SupervisorLink, lease: float, timeout: float) -> None:
        self._link = link
        self._lease = lease
        self._timeout = timeout
        self._node = NodeId("")
        self._alone: RegistryTable | None = None
        """The claims since the supervisor has ended; None while there is one."""

    async def open(self, node: NodeId, address: str | None) -> Renewed:
        """Report the node to the supervisor."""
        self._node, self._link.opening = node, ("open", node, address)
        return self._renewed(await self._ask(*self._link.opening))

    async def claim(self, identity: str) -> Claimed:
        """Take a station."""
        answer = await self._ask("claim", identity)
        if answer is None:
            return self._table().claim(identity, self._node, time.time_ns() // 1000)
        fence, losses, previous, generation, waiters = answer
        return Claimed(fence, losses, _owner(previous), generation, tuple(waiters))

    async def release(self, identity: str, fence: int) -> bool:
        """Remove the entry of a station if this node still has it with this fence."""
        answer = await self._ask("release", identity, fence)
        return self._table().release(identity, self._node, fence) if answer is None else bool(answer)

    async def restore(self, identity: str, fence: int) -> ClaimRestored:
        """Take a station again under its old fence."""
        answer = await self._ask("restore", identity, fence)
        if answer is None:
            return self._table().restore(identity, self._node, fence)
        is_ours, current, losses, generation = answer
        return ClaimRestored(is_ours, _owner(current), losses, generation)

    async def renew(self) -> Renewed:
        """Return the losses of this node."""
        return self._renewed(await self._ask("renew"))

    async def check(self, identities: Sequence[str]) -> Sequence[ClusterOwner | None]:
        """Return the owner of each of these stations."""
        answer = await self._ask("check", list(identities))
        return self._table().check(identities) if answer is None else [_owner(each) for each in answer]

    async def find(self, identity: str) -> Found | None:
        """Return where a station is."""
        return _found(await self._ask("find", identity))

    async def watch(self, identity: str) -> Found | None:
        """Let this node wait for a station, and return where it is."""
        return _found(await self._ask("watch", identity, self._lease))

    async def stations_of(self, buckets: Sequence[int]) -> Mapping[str, Found]:
        """Return the stations of some buckets.

        Raises StoreUnavailableError without a supervisor: those of other workers would be missing.
        """
        answer = await self._ask("stations", list(buckets))
        if answer is None:
            raise StoreUnavailableError("the supervisor of the workers has ended")
        return {identity: Found(ClusterOwner(*owner), *rest) for identity, (owner, *rest) in answer.items()}

    async def aclose(self) -> None:
        """Report the end of the node."""
        self._link.opening = None
        with suppress(StoreUnavailableError):
            await self._ask("close")

    async def _ask(self, *line: Any) -> Any:
        """Return the answer of the supervisor, None without one. Raises StoreUnavailableError after the timeout."""
        try:
            with anyio.fail_after(self._timeout):
                answer = await self._link.ask(*line)
        except SupervisorGoneError:
            return None
        except (TimeoutError, ValueError) as error:
            raise StoreUnavailableError("the supervisor of the workers does not answer") from error
        self._alone = None
        return answer

    def _table(self) -> RegistryTable:
        """Return the table of a node without a supervisor."""
        if self._alone is None:
            self._alone = RegistryTable(BUCKETS, "alone", lease=inf)
        return self._alone

    def _renewed(self, answer: Any) -> Renewed:
        if answer is None:
            return self._table().renew(self._node, None, 0)
        generations, losses = answer
        return Renewed(tuple(generations), tuple(losses))


class WorkersCarrier:
    """Sends frames to other nodes through the supervisor; see `Carrier`."""

    def __init__(self, link: SupervisorLink) -> None:
        self._link = link

    async def send(self, node: NodeId, address: str | None, frame: bytes) -> None:
        """Send a frame to a node.

        Raises:
            NotSentError: The frame was certainly not sent.
            UnknownError: The frame may have been sent.
        """
        try:
            with anyio.fail_after(_TIMEOUT):
                result = await self._link.ask("send", node, frame=frame)
        except TimeoutError:
            raise UnknownError("the supervisor of the workers does not answer") from None
        except SupervisorGoneError as error:
            raise (UnknownError if error.is_written else NotSentError)(str(error)) from None
        except ValueError as error:
            raise NotSentError(str(error)) from None
        if result != SENT:
            raise NotSentError(result)

    async def aclose(self) -> None:
        """Receive no more frames."""
        self._link.detach()


def _found(answer: list[Any] | None) -> Found | None:
    if answer is None:
        return None
    owner, address, is_alive = answer
    return Found(ClusterOwner(*owner), address, is_alive)


def _owner(answer: list[Any] | None) -> ClusterOwner | None:
    return None if answer is None else ClusterOwner(*answer)
