"""The host of a registry engine: it performs its actions on a store, and tells it the time."""

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Final, Protocol, assert_never

from ocpp_core.cluster.records import NodeId
from ocpp_core.cluster.registry.actions import (
    AdmitConnection,
    EvictConnection,
    EvictionReason,
    LeaseChanged,
    NotifyReplaced,
    RefuseConnection,
    RegistryAction,
    SendCheck,
    SendClaim,
    SendRelease,
    SendRenewal,
    SendRestore,
)
from ocpp_core.cluster.registry.engine import RegistryEngine
from ocpp_core.cluster.registry.inputs import (
    CheckAnswered,
    ClaimAnswered,
    ClaimStation,
    ConnectionEnded,
    OwnershipQuestioned,
    RegistryInput,
    ReleaseAnswered,
    RenewalAnswered,
    ReplacementNoticed,
    RequestFailed,
    RestoreAnswered,
)
from ocpp_core.cluster.registry.settings import RegistryConfig
from ocpp_core.inputs import Tick
from ocpp_transports._driver._interfaces import Completion, Handle, Runtime, complete
from ocpp_transports._logging._log import Log

from ._store import ForeignDataError, LayoutError, RegistryStore, StoreUnavailableError

__all__ = ["RegistryHost", "RegistryOwner"]

_UNANSWERED: Final = (StoreUnavailableError, ForeignDataError, LayoutError)


class RegistryOwner(Protocol):
    """The node, which has the connections of stations and talks to other nodes."""

    def evict(self, connection: Hashable, reason: EvictionReason) -> None:
        """Close a connection that the node no longer has for the station."""

    def report_replaced(self, node: NodeId, identity: str, fence: int) -> None:
        """Report to a node that a station is no longer its own."""

    def awaited(self, identity: str, nodes: Sequence[NodeId]) -> None:
        """Note that nodes wait for a station that this one has claimed."""


class RegistryHost:
    """Runs the engine of one node on an open store, until `aclose`.

    Args:
        node: The node.
        config: The settings of the engine.
        store: The store, which is open.
        runtime: The event loop.
        log: The log of the server.
        owner: What obeys the engine.
    """

    def __init__(
        self,
        node: NodeId,
        config: RegistryConfig,
        store: RegistryStore,
        runtime: Runtime,
        log: Log,
        owner: RegistryOwner,
    ) -> None:
        self._engine = RegistryEngine(node, config, runtime.now())
        self._store = store
        self._runtime = runtime
        self._log = log
        self._owner = owner
        self._claims: dict[Hashable, Completion[bool]] = {}
        self._timer: Handle | None = None
        self._requests = 0
        self._idle: Completion[None] | None = None
        self._is_closing = False
        self._feed(Tick())

    # For the node

    async def claim(self, identity: str, connection: Hashable) -> bool:
        """Claim a station for a connection; return False if the registry does not grant it.

        `end` must follow, also if the waiter is cancelled; it ends the wait.
        """
        completion: Completion[bool] = self._runtime.completion()
        self._claims[connection] = completion
        self._feed(ClaimStation(identity, connection))
        return await completion

    def end(self, identity: str, connection: Hashable) -> None:
        """Note the end of a handshake or connection."""
        self._settle(connection, is_ours=False)
        self._feed(ConnectionEnded(identity, connection))

    def believes(self, identity: str, now: float) -> int | None:
        """Return the fence of a station that the node has for certain at this time; None for any other."""
        return self._engine.believes(identity, now)

    def replaced(self, identity: str, fence: int, by: NodeId) -> None:
        """Note that another node reports to have a station."""
        self._feed(ReplacementNoticed(identity, fence, by))

    def question(self, identity: str) -> None:
        """Note that another node found a claim of a station that this node does not know."""
        self._feed(OwnershipQuestioned(identity))

    async def aclose(self) -> None:
        """Wait until the store has answered everything, so that the stations are released; renew no more."""
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self._requests:
            self._idle = self._runtime.completion()
            await self._idle

    # The engine

    def _feed(self, event: RegistryInput) -> None:
        self._engine.handle(event, self._runtime.now())
        while (action := self._engine.poll()) is not None:
            self._perform(action)
        self._wait()

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_closing:
            self._timer = self._runtime.call_at(self._engine.deadline, partial(self._feed, Tick()))

    def _perform(self, action: RegistryAction) -> None:
        match action:
            case AdmitConnection():
                self._settle(action.connection, is_ours=True)
            case RefuseConnection():
                self._settle(action.connection, is_ours=False)
            case EvictConnection():
                self._owner.evict(action.connection, action.reason)
            case NotifyReplaced():
                self._owner.report_replaced(action.node, action.identity, action.fence)
            case LeaseChanged():
                self._log_lease(action)
            case SendRenewal() | SendClaim() | SendRestore() | SendCheck() | SendRelease():
                self._requests += 1
                self._runtime.spawn(self._ask(action))
            case _:
                assert_never(action)

    def _settle(self, connection: Hashable, *, is_ours: bool) -> None:
        completion = self._claims.pop(connection, None)
        if completion is not None:
            complete(completion, is_ours)

    def _log_lease(self, action: LeaseChanged) -> None:
        if action.is_valid:
            self._log.info("the registry of the cluster confirmed the lease of this node")
        else:
            self._log.warning("the lease of this node has ended: the registry of the cluster does not answer")

    # The store

    async def _ask(self, action: SendRenewal | SendClaim | SendRestore | SendCheck | SendRelease) -> None:
        try:
            answer: RegistryInput = await self._answer(action)
        except _UNANSWERED as error:
            self._log.recurring("cluster", f"the registry of the cluster did not answer: {error}")
            answer = RequestFailed(action.request)
        except Exception as error:
            self._log.failed("the registry of the cluster failed", error)
            answer = RequestFailed(action.request)
        finally:
            self._requests -= 1
        self._feed(answer)
        if not self._requests and self._idle is not None:
            complete(self._idle, None)

    async def _answer(self, action: SendRenewal | SendClaim | SendRestore | SendCheck | SendRelease) -> RegistryInput:
        match action:
            case SendRenewal():
                return RenewalAnswered(action.request, await self._store.renew())
            case SendClaim():
                claimed = await self._store.claim(action.identity)
                if claimed.waiters:
                    self._owner.awaited(action.identity, claimed.waiters)
                return ClaimAnswered(action.request, claimed)
            case SendRestore():
                return RestoreAnswered(action.request, await self._store.restore(action.identity, action.fence))
            case SendCheck():
                return CheckAnswered(action.request, await self._store.check(action.identities))
            case SendRelease():
                return ReleaseAnswered(action.request, await self._store.release(action.identity, action.fence))
            case _:
                assert_never(action)
