"""Records the engines of a client or server, if it has the option `record`."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ocpp_transports._logging._log import Log

from ._base import SocketRuntime
from ._current import caller_from_outside

if TYPE_CHECKING:
    from ocpp_transports.recording import Recordings

__all__ = ["record_engines"]


class _RecordingOwner:
    """Gets the reports of recordings in their thread, and takes failures to the event loop."""

    def __init__(self, log: Log, failed: Callable[[Exception], None]) -> None:
        self._log = log
        self._failed = failed
        self._soon = caller_from_outside()

    def wrote(self, name: str) -> None:
        self._log.info(f"recorded in {name}")

    def dropped(self, name: str) -> None:
        self._log.recurring("a recording was dropped", f"{name}: all together have more than total_bytes")

    def failed(self, error: Exception) -> None:
        self._soon(partial(self._fail, error))

    def _fail(self, error: Exception) -> None:
        self._log.failed("a recording cannot be written, nor those that follow until one is", error)
        self._failed(error)


def record_engines(
    runtime: SocketRuntime, recordings: "Recordings | None", log: Log, failed: Callable[[Exception], None]
) -> None:
    """Record the engines that are made from now on; `failed` gets the error if a recording cannot be written."""
    if recordings is not None:
        from ocpp_transports.recording._sources import RecordingSources  # loaded only when used

        runtime.sources = RecordingSources(runtime.sources, recordings, _RecordingOwner(log, failed))
