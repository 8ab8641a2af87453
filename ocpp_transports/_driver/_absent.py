"""Stand-ins for a connection, a dialer and a session that a driver does not have."""

from collections.abc import Sequence
from typing import Final, Never

from ocpp_core.actions import Dispatch, Report, Trace

from ._interfaces import Connection, InputSink

__all__ = ["NOT_CONNECTED", "NO_SESSION", "cannot_dial"]


class _NotConnected:
    """The connection of a client before its first dial."""

    is_closing = True

    def send(self, data: object, /) -> None:
        """Ignore it."""

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """Do nothing."""

    def read(self, on: bool, /) -> None:
        """Do nothing."""

    def is_lost(self) -> bool:
        """Return False."""
        return False

    def outflow(self) -> int | None:
        """Return None: the progress is unknown."""
        return None


class _NoSession:
    """The delegate before there is a session: a WebSocket opened without a subprotocol may still receive messages."""

    def dispatched(self, action: Dispatch) -> None:
        """Ignore it."""

    def abandoned(self, request: int) -> None:
        """Ignore it."""

    def state_changed(self, state: object) -> None:
        """Ignore it."""

    def reported(self, report: Report) -> None:
        """Ignore it."""

    def traced(self, trace: Trace) -> None:
        """Ignore it."""

    def outbox_changed(self) -> None:
        """Ignore it."""


def cannot_dial(_driver: InputSink[Never], attempt: int, _subprotocols: Sequence[str], /) -> Connection[bytes]:
    """Raise RuntimeError: only a client's engine asks for a connection."""
    raise RuntimeError(f"cannot dial for attempt {attempt}: this connection was accepted")


NOT_CONNECTED: Final = _NotConnected()
NO_SESSION: Final = _NoSession()
