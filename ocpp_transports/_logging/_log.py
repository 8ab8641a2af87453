"""Reports and messages of the engine as records of the standard library's logging, without their secrets."""

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import field
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.actions import Direction, Report, ReportKind, Trace
from ocpp_core.errors import OCPPError, RPCError

from ._printable import printable
from ._redaction import redact
from ._repeats import WINDOW, RepeatedRecords

__all__ = ["LOGGER", "Log", "Logging", "child_logger", "is_silent", "logger_of"]

LOGGER: Final = logging.getLogger("ocpp_ws_io")
"""The library's logger; all records go to it, to its children, or to the logger of an option.

Like other libraries' loggers it has no handler of its own: the application configures it.
"""
LOGGER.addHandler(logging.NullHandler())

Logging: TypeAlias = bool | logging.Logger
"""The `logging` option: True for the library's logger, False for none, or a logger of your own."""

_SILENT: Final = logging.Logger("ocpp_ws_io.off", logging.CRITICAL + 1)  # noqa: LOG001 - outside the tree: no one may turn it on
_QUIET: Final = frozenset({ReportKind.PING, ReportKind.PONG, ReportKind.CANCELLED_ANSWER, ReportKind.CALL_HELD})
_LOUD: Final = frozenset({ReportKind.INVALID_REPLY, ReportKind.MEND_FAILED})
_SHOWN_ID: Final = 64
_SHOWN: Final = 1024
"""Characters written of text whose length a peer may choose."""
_SEARCHED_DETAIL: Final = 16 * _SHOWN
"""Characters of it that are searched for secrets, which takes microseconds for each."""
_TOLERATED_WINDOW: Final = 3600.0
"""Seconds for which tolerated violations of one action are counted: some stations break a rule for years."""
_ARROW: Final = {Direction.IN: "<-", Direction.OUT: "->"}


def logger_of(option: Logging, name: str = "logging") -> logging.Logger:
    """Return the logger of an option, `logging` or another one of this type. Raises TypeError for anything else."""
    if isinstance(option, logging.Logger):
        return option
    if not isinstance(option, bool):
        raise TypeError(f"expected {name} as bool or logging.Logger, got {type(option).__name__}")
    return LOGGER if option else _SILENT


def is_silent(logger: logging.Logger) -> bool:
    """Return True for the logger of `logging=False`, which has no place in the tree and no children."""
    return logger is _SILENT


_Fields: TypeAlias = Mapping[str, str | int | None]


def child_logger(logger: logging.Logger, name: str) -> logging.Logger:
    """Return the logger of this name below another one; that one itself if it is outside the tree, as a silent one is.

    A child by name would then pass its records to the root logger.
    """
    if is_silent(logger):
        return logger
    child = logger.getChild(name)
    return child if child.parent is logger else logger


class _Known(NamedTuple):
    """What is known of the subject of one record."""

    action: str | None = None
    message_id: str | None = None
    direction: str | None = None
    """`in` or `out`."""
    latency: float | None = None
    """Seconds from CALL to response."""
    identity: str | None = None
    """The station, if it is not the one of the log."""
    more: _Fields = MappingProxyType({})
    """Further attributes of this kind of record."""


@dataclass(slots=True, eq=False)
class Log:
    """Writes the records about one peer: messages at DEBUG, the peer's mistakes at WARNING, our own at ERROR.

    Payloads are logged redacted, raw texts of malformed messages and header fields never. A peer can repeat its
    mistakes, and the exceptions that it causes: only the first few in a minute are written and the others counted, see
    `RepeatedRecords`. `now` is the clock for that, in seconds.

    Every record has the same six attributes for structured handlers, see `_fields`; None stands for what is not known.
    A peer may choose their texts, so they are cut and escaped like those of the message.
    """

    logger: logging.Logger
    identity: str
    """Of a station, which chooses it; with `is_station=False` the name of what the records are about."""
    now: Callable[[], float] = monotonic
    is_station: bool = True
    protocol: str | None = None
    """The subprotocol of the connection."""
    _repeats: RepeatedRecords | None = field(default=None, init=False)  # made when needed: most peers make no mistake

    @property
    def wants_messages(self) -> bool:
        """True if `traced` would write anything."""
        return self.logger.isEnabledFor(logging.DEBUG)

    def traced(self, trace: Trace) -> None:
        """Write one message."""
        if self.wants_messages:
            latency = "" if trace.latency is None else f" ({trace.latency * 1000:.1f} ms)"
            values = _ARROW[trace.direction], _frame_text(trace.frame), latency
            known = _Known(trace.action, _id_of(trace.frame), trace.direction.value, trace.latency)
            self._write(logging.DEBUG, "%s %s %s%s", *values, known=known)

    def reported(self, report: Report) -> None:
        """Write one report."""
        level = logging.DEBUG if report.kind in _QUIET else logging.ERROR if report.kind in _LOUD else logging.WARNING
        kind, invalid = report.kind.value, report.invalid
        if invalid is None:
            more = self._admit(level, kind)
        else:
            window = _TOLERATED_WINDOW if report.kind is ReportKind.TOLERATED else WINDOW
            more = self._admit(level, f"{kind} ({_one_line(invalid.action[:_SHOWN_ID])})", window)
        if more is not None:
            about = "" if report.message_id is None else f" [{report.message_id[:_SHOWN_ID]!r}]"
            detail = _detail(report.detail)
            text = f"{about}: {detail}" if detail else about
            known = _Known(report.action, report.message_id, None if invalid is None else invalid.direction.value)
            self._write(level, "%s: %s%s%s", kind, text, more, known=known)

    def connection_failed(self, kind: str, origin: str | None, reason: str) -> None:
        """Write that a connection from this address failed before its request; for each reason only so often."""
        reason = _one_line(reason)
        more = self._admit(logging.WARNING, f"{kind}: {reason}")
        if more is not None:
            source = "" if origin is None else f"from {_one_line(origin)}: "
            self._write(logging.WARNING, "%s: %s: %s%s%s", kind, source, reason, more)

    def incident(self, level: int, text: str, left_out: int, identity: str | None, fields: _Fields) -> None:
        """Write a security event, with attributes of its own; `left_out` ones before it were only counted."""
        more = f" (and {left_out:,} more before)" if left_out else ""
        self._write(level, "%s: %s%s", _one_line(text), more, known=_Known(identity=identity, more=fields))

    def _admit(self, level: int, kind: str, window: float = WINDOW) -> str | None:
        """Return None if a record of this kind must be omitted, else a note about those omitted before."""
        if not self.logger.isEnabledFor(level):
            return None
        if level == logging.DEBUG:  # DEBUG shows everything
            return ""
        if self._repeats is None:
            self._repeats = RepeatedRecords()
        left_out = self._repeats.admit((level, kind), self.now(), window)
        if left_out is None:
            return None
        return f" (and {left_out:,} more before)" if left_out else ""

    def flush(self) -> None:
        """Write how many mistakes were only counted, at the end of a connection."""
        if self._repeats is not None:
            for (level, kind), left_out in self._repeats.take():
                self._write(level, "%s: %s: … and %s more", kind, f"{left_out:,}")

    def info(self, text: str) -> None:
        """Write a change of state."""
        if self.logger.isEnabledFor(logging.INFO):
            self._write(logging.INFO, "%s: %s", _one_line(text))

    def warning(self, text: str, *, action: str | None = None, identity: str | None = None) -> None:
        """Write a failure that the application chose not to get as an exception, of an action or a station."""
        self._write(logging.WARNING, "%s: %s", _one_line(text), known=_Known(action, identity=identity))

    def recurring(self, kind: str, text: str) -> None:
        """Write a warning that may recur with every message; for each kind only so often."""
        more = self._admit(logging.WARNING, kind)
        if more is not None:
            self._write(logging.WARNING, "%s: %s: %s%s", kind, _one_line(text), more)

    def handler_failed(self, action: str, error: BaseException, message_id: str | None = None) -> None:
        """Write that a handler raised: an RPC error is a response, anything else a fault."""
        handler = f"the handler of {action[:_SHOWN_ID]!r}"  # the catch-all gets names that the peer invents
        known = _Known(action, message_id, Direction.IN.value)
        if not isinstance(error, RPCError):
            self.raised(f"{handler} raised", error, known)
            return
        text = f"{handler} refused: {_one_line(error.code)}"
        more = self._admit(logging.INFO, text)
        if more is not None:
            self._write(logging.INFO, "%s: %s%s", text, more, known=known)

    def raised(self, text: str, error: BaseException, known: _Known | None = None) -> None:
        """Write an exception of the application's own code, with its traceback; a peer may cause it repeatedly."""
        more = self._admit(logging.ERROR, f"{text}: {type(error).__name__}")
        if more is not None:
            self._write(logging.ERROR, "%s: %s%s", text, more, known=known, exc_info=error)

    def call_failed(self, action: str, error: OCPPError) -> None:
        """Write why a call failed; the reason may come from the peer."""
        known = _Known(action, direction=Direction.OUT.value)
        self._write(logging.WARNING, "%s: the call of %r failed: %s", action, _detail(str(error)), known=known)

    def failed(self, text: str, error: BaseException) -> None:
        """Write a failure of this side that no peer can repeat, with its traceback."""
        self._write(logging.ERROR, "%s: %s", text, exc_info=error)

    def _write(
        self,
        level: int,
        text: str,
        *values: object,
        known: _Known | None = None,
        exc_info: BaseException | None = None,
    ) -> None:
        """Write a record that begins with the identity; exceptions of a filter or handler affect nothing else."""
        try:
            if self.logger.isEnabledFor(level):
                name, extra = self._name(), self._fields(known or _Known())
                self.logger.log(level, text, name, *values, exc_info=exc_info, stacklevel=2, extra=extra)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # of the application's filter or handler; logging prints what its handlers catch
            if logging.raiseExceptions:
                traceback.print_exc()

    def _fields(self, known: _Known) -> dict[str, str | int | float | None]:
        """Return the attributes of a record."""
        identity = (self._name() if self.is_station else None) if known.identity is None else _one_line(known.identity)
        return {
            **{name: _one_line(value) if isinstance(value, str) else value for name, value in known.more.items()},
            "identity": identity,
            "protocol": self.protocol,
            "action": _short(known.action),
            "message_id": _short(known.message_id),
            "direction": known.direction,
            "latency": known.latency,
        }

    def _name(self) -> str:
        is_fit = len(self.identity) <= _SHOWN and self.identity.isprintable()
        return self.identity if is_fit else _one_line(self.identity)


def _detail(text: str) -> str:
    """Return the beginning of a peer's text without secrets; cut earlier, the end of a password might remain."""
    return _one_line(redact(text[:_SEARCHED_DETAIL]))


def _short(text: str | None) -> str | None:
    return None if text is None else printable(text, _SHOWN_ID)


def _id_of(frame: list[Any]) -> str | None:
    """Return the message ID of a frame."""
    return frame[1] if len(frame) > 1 and isinstance(frame[1], str) else None


def _one_line(text: str) -> str:
    """Escape characters that could forge a line, and cut long text: some texts quote the peer."""
    return printable(text, _SHOWN)


def _frame_text(frame: list[Any]) -> str:
    """Return a frame as JSON, its payload redacted; a handler's result may hold values of any type."""
    try:
        return json.dumps(redact(frame), ensure_ascii=True, default=lambda value: type(value).__name__)
    except Exception as error:  # an application's own mapping may raise anything
        return f"a message that cannot be written ({type(error).__name__})"
