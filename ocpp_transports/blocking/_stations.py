"""Stations of a server by their identities, for threads: find, await or call one."""

from functools import partial
from math import inf
from typing import Any, Literal, Unpack, overload

from ocpp_core.identity import StationKey
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._server._stations._directory import StationDirectory
from ocpp_transports._server._stations._stations import StationsMixin

from ._calls import call_options, safe
from ._station import BlockingServerClient
from ._threads._bridge import Bridge

__all__ = ["BlockingStationsMixin"]


class BlockingStationsMixin:
    """Finds and calls stations by their identities."""

    _wrapped: StationsMixin
    _bridge: Bridge

    @property
    def directory(self) -> StationDirectory:
        """The directory in which the server looks up stations; its methods run in the event loop.

        See `OCPPServer.directory`.
        """
        return self._wrapped.directory

    @directory.setter
    def directory(self, directory: StationDirectory) -> None:
        self._bridge.run(setattr, self._wrapped, "directory", directory)

    def get_client(self, identity: str | StationKey) -> BlockingServerClient | None:
        """Return the station's newest connection, or None if it is not connected; see `OCPPServer.get_client`."""
        found: BlockingServerClient | None = self._bridge.present(self._bridge.run(self._wrapped.get_client, identity))
        return found

    @overload
    def wait_for_client(
        self, identity: str | StationKey, *, timeout: float = ..., everywhere: Literal[False] = ...
    ) -> BlockingServerClient: ...
    @overload
    def wait_for_client(
        self, identity: str | StationKey, *, timeout: float = ..., everywhere: bool
    ) -> BlockingServerClient | None: ...
    def wait_for_client(
        self, identity: str | StationKey, *, timeout: float = inf, everywhere: bool = False
    ) -> BlockingServerClient | None:
        """Return the station's connection as soon as there is one.

        Args:
            identity: The identity of the station, or its `StationKey`.
            timeout: Seconds to wait, `inf` for no limit.
            everywhere: True to wait for the station on any server of the cluster. If it connects to another server,
                the result is None, and `call` reaches it.

        Raises:
            ValueError: The identity is connected in several namespaces.
            TimeoutError: The station did not connect within `timeout` seconds.
            ClosedError: The server closed.
            RuntimeError: The server is not open.
        """
        wait = partial(self._wrapped.wait_for_client, identity, timeout=timeout, everywhere=everywhere)
        station = self._bridge.present(self._bridge.run(wait))
        return station if isinstance(station, BlockingServerClient) else None

    @overload
    def call(
        self,
        identity: str | StationKey,
        message: Message[Any, ResultT],
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords[ResultT]],
    ) -> ResultT: ...
    @overload
    def call(
        self,
        identity: str | StationKey,
        request: RequestModel[Any, ResultModelT],
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[DictCallKeywords],
    ) -> ResultModelT: ...
    @overload
    def call(
        self,
        identity: str | StationKey,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any]: ...
    @overload
    def call(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any]: ...
    def call(self, identity: str | StationKey, /, *args: Any, max_wait: float = inf, **options: Any) -> Any:
        """Call a connected station: `BlockingServerClient.call` with its identity first.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: A message, a request model, or an action and its payload, as for `BlockingServerClient.call`.
            max_wait: Seconds that the call may take in all, with every retry; then it is abandoned.
            **options: The options of one call.

        Raises:
            ConnectionLostError: With `sent=False`, the station is not connected.
            OCPPError: The call failed, see `BlockingServerClient.call`.
            ValueError: A bad argument, also if the station is not connected; or the identity is connected in several
                namespaces.
            TypeError: The same, for a wrong type.
        """
        call = partial(self._wrapped.call, identity, *args, **call_options(self._bridge, options))
        return self._bridge.run(call, max_wait=max_wait)

    @overload
    def safe_call(
        self,
        identity: str | StationKey,
        message: Message[Any, ResultT],
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords[ResultT]],
    ) -> ResultT | None: ...
    @overload
    def safe_call(
        self,
        identity: str | StationKey,
        request: RequestModel[Any, ResultModelT],
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[DictCallKeywords],
    ) -> ResultModelT | None: ...
    @overload
    def safe_call(
        self,
        identity: str | StationKey,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any] | None: ...
    @overload
    def safe_call(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any] | None: ...
    def safe_call(self, identity: str | StationKey, /, *args: Any, max_wait: float = inf, **options: Any) -> Any:
        """Call a connected station, and return None if the call fails or the station is not connected.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: A message, a request model, or an action and its payload, as for `call`.
            max_wait: Seconds that the call may take in all, with every retry; then it is abandoned.
            **options: The options of one call.
        """
        call = partial(self._wrapped.safe_call, identity, *args, **call_options(self._bridge, options))
        return safe(lambda: self._bridge.run(call, max_wait=max_wait))
