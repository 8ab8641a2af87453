"""The host of a client: one stream (or channel of messages) after the other, each for one attempt to connect."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from ocpp_core.errors import ConnectionFailedError
from ocpp_transports._driver._driver import Driver
from ocpp_transports._runtime._base import Runtime

__all__ = ["Dialer", "OpenStream", "OutStream", "failure"]


def failure(error: BaseException, target: str = "the server", reason: str | None = None) -> ConnectionFailedError:
    """Make one error of all the ways in which a dial fails; the cause is chained, `reason` says more than it does."""
    if isinstance(error, ConnectionFailedError):
        return error
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error  # anyio wraps the telling one
    said = reason or str(cause) or "the connection broke"  # a reset during a TLS handshake comes without a text
    failed = ConnectionFailedError(f"no connection to {target}: {said}")
    failed.__cause__ = error
    return failed


class OutStream(Protocol):
    """A stream from its dial to its end; it feeds the driver it was made for, under its own attempt."""

    is_closing: bool

    def send(self, data: Any, /) -> None:
        """Append to the output; swallowed while there is no connection."""

    def read(self, on: bool, /) -> None:  # noqa: FBT001 - a switch
        """Take what arrives, or leave it where it is."""

    def is_lost(self) -> bool:
        """Look whether the connection broke, and feed its loss then."""

    def outflow(self) -> int | None:
        """Say how far output has come that is under way; see Host."""

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the stream or its dial."""


OpenStream: TypeAlias = Callable[[Driver, int, Sequence[str]], OutStream]
"""Begins to open a stream for this driver and attempt; these subprotocols are offered where the host offers them."""


class Dialer:
    """A `Host` that opens a new stream for every attempt; what an older one still says is stale, hence harmless."""

    driver: Driver

    def __init__(self, runtime: Runtime, open_stream: OpenStream) -> None:
        self.now = runtime.now
        self.call_at = runtime.call_at
        self.completion = runtime.completion
        self.spawn = runtime.spawn
        self.next_turn = runtime.next_turn
        self._open_stream = open_stream
        self._stream: OutStream | None = None

    def dial(self, attempt: int, subprotocols: Sequence[str]) -> None:
        """Open the stream of this attempt, in place of the one before; that one may finish closing."""
        if self._stream is not None and not self._stream.is_closing:
            self._stream.close(abort=True)
        self._stream = self._open_stream(self.driver, attempt, subprotocols)

    def send(self, data: Any, /) -> None:
        """Send on the present stream."""
        if self._stream is not None:
            self._stream.send(data)

    def read(self, on: bool, /) -> None:  # noqa: FBT001 - a switch
        """Read from the present stream, or leave what arrives where it is."""
        if self._stream is not None:
            self._stream.read(on)

    def is_lost(self) -> bool:
        """Look whether the present stream broke; see Host."""
        return self._stream is not None and self._stream.is_lost()

    def outflow(self) -> int | None:
        """Say how far output of the present stream has come; see Host."""
        return None if self._stream is None else self._stream.outflow()

    def close(self, code: int = 1000, reason: str = "", *, abort: bool = False) -> None:
        """End the present stream or its dial."""
        if self._stream is not None:
            self._stream.close(code, reason, abort=abort)
