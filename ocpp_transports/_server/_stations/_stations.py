"""Stations of a server by their identities: find, await or call one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import inf
from typing import Any, Final, Literal, Unpack, overload

import anyio

from ocpp_core.config import Range
from ocpp_core.errors import (
    ClosedError,
    ConnectionLostError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.identity import StationKey
from ocpp_core.outbound.call import check_command
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._calls._calling import read_request
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._logging._log import Log
from ocpp_transports._options._connection import PeerOptions

from ._connection import OCPPServerClient
from ._directory import StationCaller, StationDirectory

__all__ = ["StationsMixin"]

_SECONDS: Final = Range(0, unit="seconds")
_METHODS: Final = ("get_client", "get_caller", "wait_for_client", "wait_for_caller")


class StationsMixin(ABC):
    """Looks up stations in a directory, and calls them."""

    _options: PeerOptions
    _log: Log
    _directory: StationDirectory
    _waits: "dict[anyio.CancelScope, None]"  # as text: looked at, it would load half of anyio at the import

    @property
    def directory(self) -> StationDirectory:
        """The directory in which the server looks up stations: its own connections, unless it is replaced.

        A new directory applies from now on, and may use the previous one. Raises TypeError for an object without the
        methods of `StationDirectory`.
        """
        return self._directory

    @directory.setter
    def directory(self, directory: StationDirectory) -> None:
        missing = [name for name in _METHODS if not callable(getattr(directory, name, None))]
        if missing:
            raise TypeError(f"expected a StationDirectory, got {type(directory).__name__} without {missing[0]}()")
        self._directory = directory

    def get_client(self, identity: str | StationKey) -> OCPPServerClient | None:
        """Return the station's newest connection to this server, or None if it is not connected here.

        `identity` is its identity or its `StationKey`. Raises ValueError for an identity that is connected in several
        namespaces.
        """
        return self._directory.get_client(identity)

    @overload
    async def wait_for_client(
        self, identity: str | StationKey, *, timeout: float = ..., everywhere: Literal[False] = ...
    ) -> OCPPServerClient: ...
    @overload
    async def wait_for_client(
        self, identity: str | StationKey, *, timeout: float = ..., everywhere: bool
    ) -> StationCaller: ...
    async def wait_for_client(
        self, identity: str | StationKey, *, timeout: float = inf, everywhere: bool = False
    ) -> StationCaller:
        """Return the station's connection as soon as there is one.

        Args:
            identity: The identity of the station, or its `StationKey`.
            timeout: Seconds to wait, `inf` for no limit.
            everywhere: True to wait for the station on any server of the cluster. If it connects to another server,
                the result is a `ClusterStation`, which can only be called.

        Raises:
            ValueError: The identity is connected in several namespaces.
            TimeoutError: There was none within `timeout` seconds.
            ClosedError: The server closed.
        """
        if timeout not in _SECONDS:
            raise ValueError(f"expected timeout {_SECONDS}, got {timeout!r}")
        self._expect_open()
        with anyio.move_on_after(timeout) as wait:
            self._waits[wait] = None
            try:
                if everywhere:
                    return await self._directory.wait_for_caller(identity)
                return await self._directory.wait_for_client(identity)
            finally:
                was_closed = wait not in self._waits
                self._waits.pop(wait, None)
        if was_closed:
            raise ClosedError("the server closed")
        raise TimeoutError(f"{str(identity)!r} did not connect within {timeout:.15g} s")

    def _end_waits(self) -> None:
        """Let tasks that wait for a station learn that the server closed."""
        waits, self._waits = self._waits, {}
        for wait in waits:
            wait.cancel()

    @abstractmethod
    def _expect_open(self) -> None:
        """Bind to the running event loop. Raises RuntimeError if there is none."""

    @overload
    async def call(
        self, identity: str | StationKey, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT: ...
    @overload
    async def call(
        self,
        identity: str | StationKey,
        request: RequestModel[Any, ResultModelT],
        /,
        **options: Unpack[DictCallKeywords],
    ) -> ResultModelT: ...
    @overload
    async def call(
        self, identity: str | StationKey, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    async def call(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any]: ...
    async def call(self, identity: str | StationKey, /, *args: Any, **options: Any) -> Any:
        """Call a connected station: `OCPPServerClient.call` with its identity first.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: A message, a request model, or an action and its payload, as for `OCPPServerClient.call`.
            **options: The options of one call.

        Raises:
            ConnectionLostError: With `sent=False`, the station is not connected.
            OCPPError: The call failed, see `OCPPServerClient.call`.
            ValueError: A bad argument, also if the station is not connected; or the identity is connected in several
                namespaces.
            TypeError: The same, for a wrong type.
        """
        station = self._directory.get_caller(identity)
        if station is None:
            self._check_call(args, options)
            raise ConnectionLostError(f"cannot call {str(identity)!r}: the station is not connected", sent=False)
        return await station.call(*args, **options)

    @overload
    async def safe_call(
        self, identity: str | StationKey, message: Message[Any, ResultT], /, **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT | None: ...
    @overload
    async def safe_call(
        self,
        identity: str | StationKey,
        request: RequestModel[Any, ResultModelT],
        /,
        **options: Unpack[DictCallKeywords],
    ) -> ResultModelT | None: ...
    @overload
    async def safe_call(
        self, identity: str | StationKey, action: str, params: Params = ..., /, **options: Unpack[DictCallKeywords]
    ) -> dict[str, Any] | None: ...
    @overload
    async def safe_call(
        self,
        identity: str | StationKey,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any] | None: ...
    async def safe_call(self, identity: str | StationKey, /, *args: Any, **options: Any) -> Any:
        """Call a connected station, and return None if the call fails or the station is not connected.

        Args:
            identity: The identity of the station, or its `StationKey`.
            *args: A message, a request model, or an action and its payload, as for `call`.
            **options: The options of one call.
        """
        station = self._directory.get_caller(identity)
        if station is None:
            self._check_call(args, options)
            self._log.warning(f"cannot call {str(identity)!r}: the station is not connected", identity=str(identity))
            return None
        return await station.safe_call(*args, **options)

    def _check_call(self, args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
        """Raise for bad arguments of a call to a station that is not connected, as if it were connected."""
        request = read_request(args, options)
        request.expect_sent("csms", self._options.protocols)
        check_command(request.command(0), self._options.session, 0.0)
