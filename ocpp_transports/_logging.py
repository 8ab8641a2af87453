"""Reports and messages of the engine as records of the standard library's logging, without their secrets."""

import json
import logging
import traceback
from typing import Any, Final, TypeAlias

from ocpp_core.actions import Direction, Report, ReportKind, Trace
from ocpp_core.errors import RPCError

from ._redaction import redact

__all__ = ["LOGGER", "Log", "Logging", "logger_of"]

LOGGER: Final = logging.getLogger("ocpp_ws_io")
"""The library's logger. Its only handler does nothing: what the application configures counts."""

for _name in (LOGGER.name, __package__):  # the package's own: faults that concern no peer
    logging.getLogger(_name).addHandler(logging.NullHandler())

Logging: TypeAlias = bool | logging.Logger
"""The `logging` option: True for the library's logger, False for none, or a logger of your own."""

_SILENT: Final = logging.Logger("ocpp_ws_io.off", logging.CRITICAL + 1)  # noqa: LOG001 - outside the tree: no one may turn it on
_QUIET: Final = frozenset({ReportKind.PING, ReportKind.PONG, ReportKind.CANCELLED_ANSWER})
_LOUD: Final = frozenset({ReportKind.INVALID_REPLY})
_ARROW: Final = {Direction.IN: "<-", Direction.OUT: "->"}


def logger_of(option: Logging) -> logging.Logger:
    """Read the `logging` option. Raises TypeError for anything else."""
    if isinstance(option, logging.Logger):
        return option
    if not isinstance(option, bool):
        raise TypeError(f"expected logging as bool or logging.Logger, got {type(option).__name__}")
    return LOGGER if option else _SILENT


class Log:
    """Writes what concerns one peer; messages at DEBUG, mistakes of the peer at WARNING, our own at ERROR.

    Payloads are logged redacted, raw texts of broken messages not at all, header fields never.
    """

    __slots__ = ("identity", "logger")

    def __init__(self, logger: logging.Logger, identity: str) -> None:
        self.logger = logger
        self.identity = _one_line(identity)  # a station chooses it

    @property
    def wants_messages(self) -> bool:
        """Whether `traced` would write anything."""
        return self.logger.isEnabledFor(logging.DEBUG)

    def traced(self, trace: Trace) -> None:
        """Write one message."""
        if self.wants_messages:
            latency = "" if trace.latency is None else f" ({trace.latency * 1000:.1f} ms)"
            text = _frame_text(trace.frame)
            self._write(logging.DEBUG, "%s %s %s%s", self.identity, _ARROW[trace.direction], text, latency)

    def reported(self, report: Report) -> None:
        """Write one report."""
        level = logging.DEBUG if report.kind in _QUIET else logging.ERROR if report.kind in _LOUD else logging.WARNING
        if self.logger.isEnabledFor(level):
            about = "" if report.message_id is None else f" [{report.message_id!r}]"
            detail = _one_line(report.detail)
            self._write(level, "%s: %s%s%s", self.identity, report.kind.value, about, detail and f": {detail}")

    def info(self, text: str) -> None:
        """Write a change of state."""
        self._write(logging.INFO, "%s: %s", self.identity, _one_line(text))

    def warning(self, text: str) -> None:
        """Write what an application chose not to be told by an exception."""
        self._write(logging.WARNING, "%s: %s", self.identity, _one_line(text))

    def handler_failed(self, action: str, error: Exception) -> None:
        """Write that a handler raised: an RPC error is an answer, anything else a fault."""
        if isinstance(error, RPCError):
            text = "%s: the handler of %r refused: %s"
            self._write(logging.INFO, text, self.identity, action, _one_line(error.code))
        else:
            self.failed(f"the handler of {action!r} raised", error)

    def failed(self, text: str, error: BaseException) -> None:
        """Write a failure of the application's own code, with its traceback."""
        self._write(logging.ERROR, "%s: %s", self.identity, text, exc_info=error)

    def _write(self, level: int, text: str, *values: object, exc_info: BaseException | None = None) -> None:
        """Write a record; what a filter or handler of the application raises is shown and breaks nothing."""
        try:
            self.logger.log(level, text, *values, exc_info=exc_info, stacklevel=2)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001 - as above; logging itself prints what its handlers catch
            if logging.raiseExceptions:
                traceback.print_exc()


def _one_line(text: str) -> str:
    """Escape what could forge a line: some texts quote the peer."""
    return text if text.isprintable() else ascii(text)


def _frame_text(frame: list[Any]) -> str:
    """Give a frame as JSON, its payload redacted; a handler's result may hold what is no JSON."""
    return json.dumps(redact(frame), ensure_ascii=True, default=lambda value: type(value).__name__)
