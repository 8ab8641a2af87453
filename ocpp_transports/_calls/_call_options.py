"""The options of one outbound call."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from math import inf
from typing import Any, Final

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import Range, number
from ocpp_transports._callbacks._arguments import expect_arguments

__all__ = ["DEFAULTS", "OPTION_NAMES", "CallOptions", "read_options"]


_PAUSE: Final = Range(0, unit="seconds")
_POSITIVE: Final = Range(0, excludes_least=True, unit="seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """The options of one call. Times are seconds. Raises ValueError or TypeError for a value out of range."""

    timeout: float | None = number(None, above=0)
    """Seconds from the write to the response, then TimeoutError; None means the option `call_timeout`."""
    ttl: float | None = number(None, above=0)
    """Seconds from `call` to the write of the last attempt, then TimeoutError; None means the option `call_ttl`."""
    deadline: float | None = number(None, above=0)
    """Seconds from `call` to the response, with all attempts, then TimeoutError; None for no limit."""
    message_id: str | None = None
    """At most 36 characters, not outstanding; used for all attempts. None makes an id for each attempt."""
    validate: bool = True
    """False skips strict mode for this call, in both directions."""
    retries: int = number(0, unit="attempts")
    """Attempts after the first one; a call is repeated only if its response did not arrive in time."""
    retry_lost: bool = False
    """True also repeats a call after a lost connection, on the client's next one. It needs `retries` and `deadline`."""
    retry_delay: float = number(1.0)
    """Seconds, not `inf`: the pause before a repeated attempt is U(0, 1) times this, doubled each time."""
    retry_max_delay: float = number(30.0)
    """Seconds of the longest pause, not `inf`."""
    custom: bool = False
    """True also sends an action that only the peer sends according to the specification."""
    check: Callable[[Any], object] | None = None
    """A function or coroutine function that is called with the CALLRESULT's payload.

    An `RPCError` it raises fails the call, and is sent to an OCPP 2.1 peer as a CALLRESULTERROR (2.1 Part 4 §4.2.3).
    Any other exception only fails the call.
    """

    def __post_init__(self) -> None:
        if isinstance(self.retries, bool) or not isinstance(self.retries, int) or self.retries < 0:
            raise ValueError(f"expected retries >= 0, got {self.retries!r}")
        for name in ("validate", "custom", "retry_lost"):
            if not isinstance(value := getattr(self, name), bool):
                raise TypeError(f"expected {name} as bool, got {value!r}")
        if self.check is not None and not callable(self.check):
            raise TypeError(f"expected check as a function, got {type(self.check).__name__}")
        if self.check is not None:
            expect_arguments(self.check, "check", "payload")
        self._check_times()

    def _check_times(self) -> None:
        if self.deadline is not None and self.deadline not in _POSITIVE:
            raise ValueError(f"expected deadline {_POSITIVE}, got {self.deadline!r}")
        if self.retry_lost and (self.deadline in {None, inf} or not self.retries):
            raise ValueError("expected a deadline and retries >= 1 with retry_lost=True: a connection may never return")
        for name in ("retry_delay", "retry_max_delay"):
            value = getattr(self, name)
            if value not in _PAUSE or value == inf:
                raise ValueError(f"expected {name} {_PAUSE}, not inf, got {value!r}")


DEFAULTS: Final = CallOptions()
"""The options of a call without any."""
OPTION_NAMES: Final = tuple(each.name for each in fields(CallOptions))
"""The keyword arguments of a call."""


def read_options(options: Mapping[str, Any]) -> CallOptions:
    """Return the keyword arguments of a call as options.

    Raises TypeError for an unknown one, and the errors of `CallOptions`.
    """
    for name in options:
        if name not in OPTION_NAMES:
            known = ", ".join(sorted(OPTION_NAMES))
            raise TypeError(
                f"unknown option {name!r} of a call, expected one of: {known}. "
                f"Parameters of the action go into a dict: call(action, {{{name!r}: …}})"
            )
    return CallOptions(**options)
