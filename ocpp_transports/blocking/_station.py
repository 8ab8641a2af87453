"""A blocking server's handle on one connection of a station."""

from functools import partial
from math import inf
from typing import Any, Unpack

from ocpp_core.actions import RegistrationStatus
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import StationKey
from ocpp_transports._options._keywords import SocketKeywords
from ocpp_transports._server._stations._connection import OCPPServerClient
from ocpp_transports.handshake import Handshake

from ._outbox._stations import BlockingStationQueueMixin
from ._peer import BlockingPeer
from ._threads._bridge import Bridge

__all__ = ["BlockingServerClient"]


class BlockingServerClient(BlockingStationQueueMixin, BlockingPeer):
    """One connection of a station, as its `BlockingServer` sees it; see `OCPPServerClient`.

    It stands for this one connection: when the station reconnects, there is another object.
    """

    _wrapped: OCPPServerClient

    def __init__(self, wrapped: OCPPServerClient, bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge

    @property
    def wrapped(self) -> OCPPServerClient:
        """The asynchronous handle, for code that runs in the event loop."""
        return self._wrapped

    @property
    def session(self) -> dict[str, Any]:
        """Session data of `auth` and the application for this connection."""
        return self._wrapped.session

    @property
    def handshake(self) -> Handshake:
        """The request that the station sent when it connected."""
        return self._wrapped.handshake

    @property
    def namespace(self) -> str:
        """The namespace of the station's identity; empty without one."""
        return self._wrapped.namespace

    @property
    def key(self) -> StationKey:
        """The key of the station, by which methods of the server find it: its namespace and its identity."""
        return self._wrapped.key

    @property
    def security_profile(self) -> SecurityProfile:
        """The security profile that the station met."""
        return self._wrapped.security_profile

    @property
    def is_ready(self) -> bool:
        """True if the connection is open and, where the server requires it, the station is registered."""
        return self._wrapped.is_ready

    @property
    def registration_status(self) -> RegistrationStatus | None:
        """The status in the last response to its BootNotification: `Accepted`, `Pending` or `Rejected`.

        `Accepted` also for a station that was let in without one. None before, and if the server does not require
        registration.
        """
        return self._wrapped.registration_status

    @property
    def boot_interval(self) -> float | None:
        """Seconds between the station's Heartbeats, from the response to its BootNotification.

        Until it is accepted, the seconds until its next BootNotification. None if it is not known, and if the server
        does not require registration.
        """
        return self._wrapped.boot_interval

    def wait_for_ready(self, *, timeout: float = inf) -> None:
        """Wait until `is_ready` is True.

        Raises:
            TimeoutError: The station was not registered within `timeout` seconds.
            ConnectionLostError: The connection ended before.
            ValueError: `timeout` is negative or not a number.
        """
        self._bridge.run(partial(self._wrapped.wait_for_ready, timeout=timeout))

    def reconfigure(self, **options: Unpack[SocketKeywords]) -> None:
        """Change options for this connection only.

        Raises the same errors as the server's constructor, and then changes nothing.
        """
        self._bridge.run(partial(self._wrapped.reconfigure, **options))
