"""The docstrings of the generated methods that listen to events."""

from typing import Final

__all__ = ["BLOCKING_EVENTS", "BLOCKING_ON", "EVENTS", "ON", "ONCE"]

_REGISTERED: Final = """
        Args:
            name: The name of the event.
            listener: The function or coroutine function to call; None to decorate one.

        Returns:
            The listener, or the decorator.

        Raises:
            ValueError: The name is unknown.
            TypeError: The listener cannot be called.
        """
_FIRST: Final = "Call `listener(payload)` at every event `name`; without a listener, return a decorator."
ON: Final = f"""{_FIRST}

        A coroutine function runs as a task of this object, one for each event. For events of messages, which a peer can
        send faster than the function returns, prefer `events`. If a listener raises, the exception is logged and an
        `error` event is emitted.
{_REGISTERED}"""
BLOCKING_ON: Final = f"""{_FIRST}

        A plain function runs in a thread, one event after the other, and may block. If 1000 events or 16 MiB wait for
        it, further ones are dropped, which is logged and emitted as an `error` event. A coroutine function runs in the
        event loop. If a listener raises, the exception is logged and an `error` event is emitted.
{_REGISTERED}"""
ONCE: Final = "Call `listener(payload)` at the next event `name` only; otherwise like `on`."
EVENTS: Final = """Return an iterator over the payloads of these events, or of all without a name.

        Use it as in `async for event in x.events("open")`. Events are kept from this call on. The iteration ends after
        the `{last}` event, or with `aclose`.

        Args:
            *names: The names of the events; none for all.
            limit: The number of events to keep, at least 1; beyond it or 16 MiB, one `OverflowEvent` replaces them.

        Raises:
            ValueError: A name is unknown, or the limit is not an integer or below 1.
        """
BLOCKING_EVENTS: Final = """Return an iterator over the payloads of these events, or of all without a name.

        Use it as in `for event in x.events("open")`, in one thread. Events are kept from this call on. The iteration
        ends after the `{last}` event, or with its `close()`.

        Args:
            *names: The names of the events; none for all.
            limit: The number of events to keep, at least 1; beyond it or 16 MiB, one `OverflowEvent` replaces them.
            max_wait: Seconds without an event after which the iterator raises TimeoutError; you may continue with it.

        Raises:
            ValueError: A name is unknown, the limit is not an integer or below 1, or `max_wait` is negative.
        """
