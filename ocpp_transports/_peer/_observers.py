"""Observers: functions that receive every event of every connection of a client or a server.

Without observers nothing here runs: a connection's emitter relays events only while observers want them, and the
engine traces messages only while an observer wants those.
"""

from collections.abc import Callable
from inspect import iscoroutine
from typing import Any, Final, Generic, TypeAlias, TypeVar

from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports.events import ConnectionEvent

__all__ = ["Forward", "Observers"]

_ClientT = TypeVar("_ClientT")
_ObserverT = TypeVar("_ObserverT", bound=Callable[..., object])
Forward: TypeAlias = Callable[[str, Any, _ClientT], None]
"""Called with the name of an event, its payload, and the client or station handle that it belongs to."""

_REPEATED: Final = frozenset({"call", "call_result", "call_error"})
"""The events whose payload was relayed as `message` before."""


class Observers(Generic[_ClientT]):
    """The observers of a client or server, and any other receiver of the events of all its connections.

    `changed` is called when connections must start or stop relaying their events or tracing messages. `failed` is
    called with each exception of an observer. An observer is a plain function: it runs between two messages, in their
    order. Coroutines of a slow observer would grow in number without limit; use `events()` to iterate in one.
    """

    __slots__ = (
        "_changed",
        "_failed",
        "_forward",
        "_forwards_messages",
        "_functions",
        "_without_messages",
        "is_wanted",
        "wants_messages",
    )

    def __init__(self, changed: Callable[[], None], failed: Callable[[BaseException], None]) -> None:
        self.is_wanted: bool = False
        """True while connections must relay their events."""
        self.wants_messages: bool = False
        """True while the wanted events include messages."""
        self._changed = changed
        self._failed = failed
        self._functions: tuple[Callable[..., object], ...] = ()
        self._without_messages: tuple[Callable[..., object], ...] = ()
        self._forward: Forward[_ClientT] | None = None
        self._forwards_messages = False

    def add(self, observer: _ObserverT, *, messages: bool = True) -> _ObserverT:
        """Add an observer and return it; without `messages` it gets all other events.

        Raises TypeError unless it is a plain function of two arguments, ValueError if it observes already.
        """
        if not callable(observer):
            raise TypeError(f"expected a function as observer, got {type(observer).__name__}")
        if is_coroutine_function(observer):
            raise TypeError("expected a plain function as observer, got a coroutine function: use events() to iterate")
        expect_arguments(observer, "observer", "event", "client")
        if observer in self._functions or observer in self._without_messages:
            raise ValueError("cannot add the observer: it observes already")
        if messages:
            self._functions = (*self._functions, observer)
        else:
            self._without_messages = (*self._without_messages, observer)
        self._update()
        return observer

    def remove(self, observer: Callable[..., object]) -> None:
        """Remove an observer, if it is there."""
        self._functions = tuple(other for other in self._functions if other != observer)
        self._without_messages = tuple(other for other in self._without_messages if other != observer)
        self._update()

    def forward_to(self, forward: Forward[_ClientT] | None, *, messages: bool) -> None:
        """Forward every event to this function too, or to none; `messages` includes those of messages."""
        self._forward = forward
        self._forwards_messages = messages
        self._update()

    def notify(self, name: str, event: ConnectionEvent, client: _ClientT) -> None:
        """Call every observer, with each message once; if one raises, that is reported and the others are called."""
        if name not in _REPEATED:
            for observer in self._functions:
                self._call(observer, event, client)
            if name != "message":
                for observer in self._without_messages:
                    self._call(observer, event, client)
        if self._forward is not None:
            self._forward(name, event, client)

    def _call(self, observer: Callable[..., object], event: ConnectionEvent, client: _ClientT) -> None:
        try:
            result = observer(event, client)
        except BaseException as error:  # every exception of an observer is reported and affects nothing else
            self._failed(error)
            return
        if iscoroutine(result):
            result.close()
            self._failed(TypeError("expected a plain function as observer, got one that returned a coroutine"))

    def _update(self) -> None:
        wanted = bool(self._functions or self._without_messages) or self._forward is not None
        messages = bool(self._functions) or self._forwards_messages
        if (wanted, messages) != (self.is_wanted, self.wants_messages):
            self.is_wanted, self.wants_messages = wanted, messages
            self._changed()
