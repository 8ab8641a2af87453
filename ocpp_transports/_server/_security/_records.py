"""Security events as records of a logger of their own, `ocpp_ws_io.security` by default."""

from logging import INFO, WARNING, Logger
from typing import Final

from ocpp_transports._logging._log import Log
from ocpp_transports._logging._repeats import OTHERS, RepeatedRecords
from ocpp_transports._server._admitting._quota import owner_of
from ocpp_transports.events import SecurityEvent, SecurityEventKind

__all__ = ["SecurityRecords"]

_USUAL: Final[frozenset[SecurityEventKind]] = frozenset(
    {"bad_identity", "bad_subprotocol", "handshake_timeout", "no_route", "refused_by_application", "replaced"}
)
"""Kinds that also occur without an attack, at INFO; the others are warnings."""
_UNKNOWN: Final = "an unknown address"
_SHOWN: Final = 64
"""Characters written of an identity or address: a peer that chooses a longer one must not push out what follows."""


class SecurityRecords:
    """Writes security events, of each kind and owner of addresses the first few in a minute.

    Further ones are counted, see `RepeatedRecords`. Each kind is counted by itself, and each distinguishes only some
    addresses: a flood hides neither other kinds nor other addresses, and what is stored is bounded. `clock` is the log
    of the server, whose clock changes with its event loop.
    """

    def __init__(self, logger: Logger, clock: Log) -> None:
        self._log = Log(logger, "server", is_station=False)
        self._clock = clock
        self._repeats: dict[str, RepeatedRecords] = {}

    def use(self, logger: Logger) -> None:
        """Write to this logger from now on."""
        self._log.logger = logger

    def write(self, event: SecurityEvent) -> None:
        """Write an event, or count it."""
        level = INFO if event.kind in _USUAL else WARNING
        if not self._log.logger.isEnabledFor(level):
            return
        repeats = self._repeats.get(event.kind)
        if repeats is None:
            repeats = self._repeats[event.kind] = RepeatedRecords()
        left_out = repeats.admit((level, owner_of(event.remote_address)), self._clock.now())
        if left_out is not None:
            fields = _fields(event.kind, event.remote_address, event.status)
            self._log.incident(level, _text_of(event), left_out, event.identity, fields)

    def flush(self) -> None:
        """Write how many events were only counted."""
        for kind, repeats in self._repeats.items():
            for (level, owner), left_out in repeats.take():
                address = None if owner == OTHERS else owner or None
                origin = "other addresses" if owner == OTHERS else owner or _UNKNOWN
                text = f"{kind}: from {origin}: … and {left_out:,} more"
                self._log.incident(level, text, 0, None, _fields(kind, address, None))


def _fields(kind: str, remote_address: str | None, status: int | None) -> dict[str, str | int | None]:
    return {"kind": kind, "remote_address": remote_address, "status": status}


def _text_of(event: SecurityEvent) -> str:
    who = "" if event.identity is None else f"{event.identity[:_SHOWN]!r} "
    origin = f"{who}from {(event.remote_address or _UNKNOWN)[:_SHOWN]}"
    answer = " ".join(str(part) for part in (event.status, event.reason) if part)
    return ": ".join(filter(None, (event.kind, origin, answer, event.detail)))
