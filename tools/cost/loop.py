"""The event loop of the counted scenarios, which is also the host of one connection. It is not counted."""

from collections.abc import Callable, Coroutine, Generator
from random import Random
from typing import Any

from ocpp_core.inputs import BytesReceived, StackInput
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._sources import Sources

__all__ = ["Loop", "result_of"]


class _Alarm:
    def __init__(self, when: float, fn: Callable[[], None]) -> None:
        self.when = when
        self.fn: Callable[[], None] | None = fn

    def cancel(self) -> None:
        self.fn = None


class _Completion:
    """What the task of a call waits for; the loop below resumes it."""

    def __init__(self) -> None:
        self.results: list[Any] = []

    def done(self) -> bool:
        return bool(self.results)

    def set_result(self, result: Any) -> None:
        self.results.append(result)

    def __await__(self) -> Generator[None, None, Any]:
        yield
        return self.results.pop()


class _Seeded(Sources):
    """The jitter of pings determines how often a timer fires."""

    def random(self, name: str, *, secret: bool = False) -> Random:
        return Random(3)


class Loop:
    """The host of one connection and the runtime of its server. Time passes only on request."""

    driver: Driver[StackInput]

    is_closing = False
    attempt = 0
    completion = _Completion

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.alarms: list[_Alarm] = []
        self.time = 0.0
        self.sources = _Seeded()

    def now(self) -> float:
        """Return the time, in seconds."""
        return self.time

    def call_at(self, when: float, fn: Callable[[], None]) -> _Alarm:
        """Start a timer, which only `ring` fires."""
        alarm = _Alarm(when, fn)
        self.alarms = [*(alarm for alarm in self.alarms if alarm.fn is not None), alarm]
        return alarm

    def outflow(self) -> int:
        """Return the progress of output: none."""
        return 0

    def ring(self) -> None:
        """Advance the time until the next alarm has fired."""
        alarm = min((alarm for alarm in self.alarms if alarm.fn is not None), key=lambda alarm: alarm.when)
        self.time = max(self.time, alarm.when)
        fn, alarm.fn = alarm.fn, None
        if fn is not None:
            fn()

    def spawn(self, coro: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that never waits."""
        result_of(coro)

    def send(self, data: bytes) -> None:
        """Keep what the engine sends."""
        self.sent.append(data)

    def receive(self, data: bytes) -> None:
        """Feed the engine what its peer sends."""
        self.driver.feed(BytesReceived(data, self.attempt))

    def take(self) -> bytes:
        """Return the one message that was sent."""
        (sent,), self.sent = self.sent, []
        return sent


def result_of(task: Coroutine[Any, Any, Any]) -> Any:
    """Resume a coroutine that waits no more, and return its result."""
    try:
        task.send(None)
    except StopIteration as returned:
        return returned.value
    raise AssertionError("expected a task that waits no more")
