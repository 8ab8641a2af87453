"""Calls from node to node: requests to the node that has a station, and their outcomes back."""

from collections.abc import Awaitable
from contextlib import suppress
from itertools import count
from math import inf
from typing import Any, Final, NamedTuple, Protocol

from ocpp_core._json import dumps, loads
from ocpp_core.cluster.records import Found, NodeId
from ocpp_core.errors import ConnectionLostError
from ocpp_transports._calls._call_options import DEFAULTS, OPTION_NAMES
from ocpp_transports._calls._calling import CallRequest
from ocpp_transports._driver._interfaces import Completion, Handle, Runtime, complete

from ._carrier import Carrier, NotSentError, UnknownError
from ._outcomes import read_error, write_error
from ._settings import Backend
from ._store import ForeignDataError, RegistryStore, StoreUnavailableError

__all__ = ["LocalStations", "NodeCalls", "RemoteCall"]

_NO_LIMIT: Final = "inf"
"""Seconds of an option without a limit: JSON has no infinity."""
_MOST_CALLS: Final = 10_000
"""Calls of other nodes in progress at a time; further ones are not sent to their stations."""
_ATTEMPTS: Final = 3
"""Requests for one call: a station may move to another node while it is called."""


class RemoteCall(NamedTuple):
    """A call of another node, as `Peer.call` takes it."""

    args: tuple[Any, ...]
    options: dict[str, Any]
    is_urgent: bool


class LocalStations(Protocol):
    """The stations that this node has."""

    def fence_of(self, name: str) -> int | None:
        """Return the fence of the claim of a station; None if this node does not have it for certain."""

    def replaced(self, name: str, fence: int, by: NodeId) -> None:
        """Another node has claimed a station, with this fence."""

    def execute(self, name: str, call: RemoteCall, /) -> Awaitable[Any]:
        """Call a station of this node."""


class NodeCalls:
    """The calls of one node to others, and of others to its stations.

    Args:
        node: The node.
        backend: What makes the carrier.
        store: The registry, which must be open before the first call.
        runtime: The event loop.
        stations: The stations of this node.
    """

    def __init__(
        self, node: NodeId, backend: Backend, store: RegistryStore, runtime: Runtime, stations: LocalStations
    ) -> None:
        self._node = node
        self._store = store
        self._runtime = runtime
        self._stations = stations
        self._carrier: Carrier = backend.new_carrier(node, self._received, self._lost)
        self._numbers = count(1)
        self._pending: dict[int, tuple[NodeId, Completion[list[Any]]]] = {}
        self._executing: dict[tuple[NodeId, int], Handle] = {}

    async def call(self, name: str, request: CallRequest) -> dict[str, Any]:
        """Call a station wherever it is. Raises what `Peer.call` raises."""
        for _ in range(_ATTEMPTS):
            found = await self._find(name)
            answer = await self._ask(name, request, found)
            if answer[0] == "ok":
                result: dict[str, Any] = answer[1]
                return result
            if answer[0] == "error":
                raise read_error(answer[1])
        raise ConnectionLostError(f"cannot call {name!r}: its server does not have it now, or is too busy", sent=False)

    def report_replaced(self, node: NodeId, name: str, fence: int) -> None:
        """Report to a node that it has lost a station; the registry reports it too, later."""
        self._runtime.spawn(self._send(node, ["e", name, fence]))

    async def aclose(self) -> None:
        """Receive no more frames; fail the calls in progress."""
        await self._carrier.aclose()
        for node in {node for node, _ in self._pending.values()}:
            self._lost(node)

    async def _find(self, name: str) -> Found:
        try:
            found = await self._store.find(name)
        except (StoreUnavailableError, ForeignDataError) as error:
            raise ConnectionLostError(f"cannot call {name!r}: {error}", sent=False) from error
        if found is None or not found.is_alive or found.owner.node == self._node:
            raise ConnectionLostError(f"cannot call {name!r}: the station is not connected", sent=False)
        return found

    async def _ask(self, name: str, request: CallRequest, found: Found) -> list[Any]:
        number, node = next(self._numbers), found.owner.node
        names = [request.action] if request.protocol is None else [request.protocol, request.action]
        what = names, request.params, _options_of(request), request.urgent
        frame = _encode(["q", number, name, found.owner.fence, node, *what])
        completion: Completion[list[Any]] = self._runtime.completion()
        self._pending[number] = node, completion
        try:
            await self._carrier.send(node, found.address, frame)
            return await completion
        except NotSentError:
            raise ConnectionLostError(f"cannot call {name!r}: its node is gone", sent=False) from None
        except UnknownError:
            raise ConnectionLostError(f"the node of {name!r} is gone", sent=True) from None
        except BaseException:
            self._runtime.spawn(self._send(node, ["c", number]))
            raise
        finally:
            del self._pending[number]

    async def _send(self, node: NodeId, message: list[Any]) -> None:
        with suppress(NotSentError, UnknownError):  # the node ends, so it needs no message
            await self._carrier.send(node, None, _encode(message))

    # From other nodes

    def _received(self, node: NodeId, frame: bytes) -> None:
        try:
            message = loads(frame.decode())
        except ValueError:
            return  # no node of ours writes this
        match message:
            case ["q", int(number), str(name), fence, owner, names, params, options, urgent]:
                is_ours = owner == self._node and fence == self._stations.fence_of(name)
                if not is_ours or len(self._executing) >= _MOST_CALLS:
                    self._runtime.spawn(self._send(node, ["a", number, "not-sent"]))
                    return
                call = RemoteCall((*names, params), _read_options(options), urgent)
                self._executing[node, number] = self._runtime.spawn(self._execute(node, number, name, call))
            case ["a", int(number), *answer] if number in self._pending:
                complete(self._pending[number][1], answer)
            case ["c", int(number)]:
                if (work_in_progress := self._executing.get((node, number))) is not None:
                    work_in_progress.cancel()
            case ["e", str(name), int(fence)]:
                self._stations.replaced(name, fence, node)

    async def _execute(self, node: NodeId, number: int, name: str, call: RemoteCall) -> None:
        try:
            answer = ["ok", await self._stations.execute(name, call)]
        except Exception as error:
            answer = ["error", write_error(error)]
        finally:
            del self._executing[node, number]
        await self._send(node, ["a", number, *answer])

    def _lost(self, node: NodeId) -> None:
        for owner, completion in tuple(self._pending.values()):
            if owner == node:
                complete(completion, ["error", write_error(ConnectionLostError("the node has ended", sent=True))])


def _options_of(request: CallRequest) -> dict[str, Any]:
    """Return the options that differ from their defaults, without `check`, which the caller runs."""
    given = {each: getattr(request.options, each) for each in OPTION_NAMES if each != "check"}
    return {
        each: _NO_LIMIT if value == inf else value for each, value in given.items() if value != getattr(DEFAULTS, each)
    }


def _read_options(options: dict[str, Any]) -> dict[str, Any]:
    return {each: inf if value == _NO_LIMIT and each != "message_id" else value for each, value in options.items()}


def _encode(message: list[Any]) -> bytes:
    return dumps(message).encode()
