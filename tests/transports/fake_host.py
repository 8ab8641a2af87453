"""An event loop with a manual clock, and a connection on it: nothing happens unless the test says so."""

import heapq
from collections import deque
from itertools import count
from math import inf
from typing import Any

from ocpp_core.inputs import CancelCall
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._sources import Sources


class Cancelled(GeneratorExit):
    """What this event loop throws into a cancelled task: what every one throws into a task that it throws away."""


class FakeCompletion:
    def __init__(self):
        self.is_done = False

    def done(self):
        return self.is_done

    def set_result(self, result):
        self.is_done, self.result = True, result

    def __await__(self):
        while not self.is_done:
            yield self
        return self.result


class FakeTask:
    def __init__(self, coro):
        self.coro, self.waits_for, self.result, self.error = coro, None, None, None
        self.is_over = self.is_cancelled = False

    def cancel(self):
        self.is_cancelled = True

    @property
    def is_ready(self):
        return not self.is_over and (self.is_cancelled or self.waits_for is None or self.waits_for.done())

    def step(self):
        try:
            if self.is_cancelled:
                self.is_cancelled = False
                self.waits_for = self.coro.throw(Cancelled())
            else:
                self.waits_for = self.coro.send(None)
        except StopIteration as stop:
            self.is_over, self.result = True, stop.value
        except BaseException as error:
            self.is_over, self.error = True, error
            if isinstance(error, (KeyboardInterrupt, SystemExit)):  # as every event loop does
                raise


class FakeTimer:
    def __init__(self, fn):
        self.fn = fn

    def cancel(self):
        self.fn = None


class FakeHost:
    """A runtime, its one connection, and the dialer of that: all that a driver has around it.

    `sent`, `closed`, `dialled` and `reads` record what the driver asked for.

    `newest_first` starts tasks in reverse; `breaks` is fed when the driver next looks whether the connection is lost,
    and `flow` is how far it finds output that is under way.
    """

    def __init__(self, *, newest_first=False):
        self.driver: Any = None
        self.is_closing = False
        self.sent, self.closed, self.dialled, self.reads, self.tasks = [], [], [], [], []
        self.breaks = self.flow = None
        self.sources = Sources()
        self._newest_first = newest_first
        self._now = 100.0
        self._timers, self._order = [], count()

    def now(self):
        return self._now

    def wall(self):
        return self._now

    def call_at(self, when, fn):
        timer = FakeTimer(fn)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def send(self, data):
        self.sent.append(data)

    def close(self, code=1000, reason="", *, abort=False):
        self.closed.append((code, reason, abort))

    def dial(self, driver, attempt, subprotocols):
        self.dialled.append((attempt, tuple(subprotocols)))
        return self

    def next_turn(self, fn):
        return self.call_at(self._now, fn)

    def read(self, on):
        self.reads.append(on)

    def outflow(self):
        return self.flow

    def is_lost(self):
        if self.breaks is None:
            return False
        feed, self.breaks = self.breaks, None
        self.driver.feed(feed)
        return True

    def expect_here(self): ...

    def completion(self):
        return FakeCompletion()

    def spawn(self, coro):
        task = FakeTask(coro)
        self.tasks.append(task)
        return task

    async def aclose(self):
        """Be a runtime in this as well; a test ends what runs with `finish`."""

    # What the test does

    def finish(self):
        """End what still runs, so that no coroutine is left unawaited."""
        for task in self.tasks:
            task.coro.close()

    def armed(self):
        """When the timers that are not cancelled ring, in order."""
        return sorted(when for when, _, timer in self._timers if timer.fn is not None)

    def work(self, seconds):
        """Let time pass within a turn, as code that does not wait does."""
        self._now += seconds

    def run(self):
        """Let the tasks and the timers that are due go on until nothing moves."""
        while self.turn():
            pass

    def turn(self):
        """Let each task that is ready, and each timer that is due, go on once."""
        ready = [task for task in self.tasks if task.is_ready]
        for task in reversed(ready) if self._newest_first else ready:
            task.step()
        self.tasks = [task for task in self.tasks if not task.is_over]
        return self._ring() or bool(ready)

    def _ring(self):
        due = []
        while self._timers and self._timers[0][0] <= self._now:
            due.append(heapq.heappop(self._timers)[2])
        for timer in due:
            fn, timer.fn = timer.fn, None
            if fn is not None:
                fn()
        return bool(due)

    def ring_early(self, seconds):
        """Ring the next timer so long before its time."""
        when, _, timer = heapq.heappop(self._timers)
        while timer.fn is None:  # cancelled
            when, _, timer = heapq.heappop(self._timers)
        self._now = when - seconds
        fn, timer.fn = timer.fn, None
        fn()

    def advance(self, seconds):
        """Let time pass, timer by timer."""
        until = self._now + seconds
        self.run()
        while self._timers and self._timers[0][0] <= until:
            self._now = max(self._now, self._timers[0][0])
            self.run()
        self._now = until


class FakeEngine:
    """An engine that does what `on` says: event type → function of the event that returns actions."""

    def __init__(self, on=None):
        self.deadline = inf
        self.handled = []
        self.actions: deque[Any] = deque()
        self.on = on or {}

    def handle(self, event, now):
        self.handled.append((event, now))
        react = self.on.get(type(event))
        if react is not None:
            self.actions.extend(react(event))

    def poll(self):
        return self.actions.popleft() if self.actions else None

    @property
    def events(self):
        return [event for event, _ in self.handled]

    @property
    def cancelled(self):
        return [event.token for event in self.events if type(event) is CancelCall]


class FakeDelegate:
    """Both delegates; records what it is told, in order, and `on` may react."""

    def __init__(self, on=None):
        self.told = []
        self.on = on or {}

    def _note(self, kind, what):
        self.told.append((kind, what))
        if kind in self.on:
            self.on[kind](what)

    def dispatched(self, action):
        self._note("dispatched", action)

    def abandoned(self, request):
        self._note("abandoned", request)

    def state_changed(self, state):
        self._note("state", state)

    def reported(self, report):
        self._note("report", report)

    def traced(self, trace):
        self._note("trace", trace)

    def outbox_changed(self):
        self._note("outbox", None)

    def upgrade_requested(self, action):
        self._note("upgrade", action)

    def http_requested(self, action):
        self._note("http", action)


def drive(*, on=None, reactions=None, newest_first=False):
    """Make a driver on a fake host."""
    return drive_engine(FakeEngine(on), FakeHost(newest_first=newest_first), FakeDelegate(reactions))


def drive_engine(engine, host, delegate):
    host.driver = Driver(engine, host, delegate, connection=host, dialer=host.dial)
    return host.driver
