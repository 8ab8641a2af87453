"""The two directions of a connection of a server whose stations have outboxes.

A station gets the messages of its outbox once it is registered. So the responses to its BootNotification are reported
with `RegistrationChanged`, also if the server does not require registration.
"""

from collections.abc import Callable, Iterator

from ocpp_core.actions import SessionAction
from ocpp_core.config import IdFactory, SessionConfig
from ocpp_core.limits import Bucket
from ocpp_core.outbound.calls import Calls
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.outbox import Outbox
from ocpp_core.versions import Version

from .answers import Answers
from .gated import GatedCalls, GatedRequests
from .registration import RegistrationGate
from .requests import Requests

__all__ = ["queued"]


def queued(
    version: Version,
    config: SessionConfig,
    ids: IdFactory,
    numbers: Iterator[int],
    emit: Callable[[SessionAction], None],
    send: Callable[[str], None],
    answers: Answers | None,
    shared: Bucket | None,
    outbox: Outbox,
) -> tuple[Calls, Requests]:
    """Return the outbound and the inbound direction of a new connection.

    The arguments are those of `StationCalls` and of `Requests`.
    """
    gate: RegistrationGate
    calls: StationCalls
    if config.require_registration:
        gate = RegistrationGate()
        calls = _GatedStationCalls(gate, version, config, ids, emit, send, outbox)
    else:
        gate = _OpenGate()
        calls = StationCalls(version, config, ids, emit, send, outbox=outbox)
    return calls, GatedRequests(gate, version, config, numbers, emit, send, calls, answers, shared)


class _OpenGate(RegistrationGate):
    """The registration of a station on one connection, where it is not required: every message is allowed."""

    __slots__ = ()

    def admits(self, action: str) -> bool:
        """Return True."""
        return True


class _GatedStationCalls(GatedCalls, StationCalls):
    """The outbound direction of a station that must register."""

    def __init__(
        self,
        gate: RegistrationGate,
        version: Version,
        config: SessionConfig,
        ids: IdFactory,
        emit: Callable[[SessionAction], None],
        send: Callable[[str], None],
        outbox: Outbox,
    ) -> None:
        StationCalls.__init__(self, version, config, ids, emit, send, outbox=outbox)
        self._gate = gate
