"""The tasks, streams and listeners of a client or server, and how all of them end.

Every task runs on its own, owned by the runtime and not by the task that started it. A caller's cancellation never
reaches it, its exceptions never reach a caller, and the runtime may be closed from any task.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import Context, ContextVar, copy_context
from functools import partial
from socket import socket
from ssl import SSLContext
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import ByteStream, SocketListener

from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._driver._interfaces import Closable, Completion, Dialer, Handle, InputSink, StreamInput, complete
from ocpp_transports._driver._limits import BACKLOG
from ocpp_transports._driver._sources import Sources
from ocpp_transports._hosts._anyio_stream import StreamConnection
from ocpp_transports._logging._log import Log
from ocpp_transports._tls._handshakes import TLSHandshakes
from ocpp_transports.events import ConnectionFailedEvent

from ._accept_loop import AcceptLoop
from ._base import Listener
from ._lag import LagProbe
from ._shared_timers import SharedTimers
from ._tcp_listener import TcpListener, adopt_sockets, open_sockets
from ._turns import Turns

if TYPE_CHECKING:
    from ocpp_transports._metrics._cells import Traffic

__all__ = ["PARTING", "STUBBORN", "Task", "TaskSupervisor"]

STUBBORN = 10.0
"""Seconds that a cancelled task may take to end; then it is left behind, so that closing always ends."""

PARTING = 1.0
"""Seconds that a runtime gives the connections that were accepted at the end of their listener to be refused."""

_GLANCE = 0.01
"""Seconds between two looks at whether they have been."""

_current: ContextVar["Task | None"] = ContextVar("ocpp_transports_task", default=None)
"""The task in which this code runs, or that started the current one; streams' own tasks do not count."""


class Task:
    """A task of a runtime; `stream` is the stream that it serves and that ends it, if any."""

    __slots__ = ("cancel_it", "stream")

    def __init__(self, stream: Closable | None) -> None:
        self.stream = stream
        self.cancel_it: Callable[[], object] | None = None

    def cancel(self) -> None:
        """Cancel it; idempotent, also after it has ended."""
        if self.cancel_it is not None:
            self.cancel_it()


class TaskSupervisor(ABC):
    """The part of a runtime that is the same on every event loop.

    Each client has one: what few clients use is made when it is needed.
    """

    sources: Sources = Sources()
    traffic: "Traffic | None" = None
    """Counts the bytes of connections, see `count`."""
    new_stream: type[StreamConnection] = StreamConnection
    _late: frozenset[Closable] = frozenset()
    """Connections that were accepted at the end of their listener."""

    def __init__(self, clock: Callable[[], float], completion: Callable[[], Completion[Any]], log: Log) -> None:
        self.now = clock
        self.wall: Callable[[], float] = time.time
        self.completion = completion
        self.log = log
        self.context = copy_context()
        """For timers that connections share: they belong to no task."""
        if _current.get() is not None:
            self.context.run(_current.set, None)
        self.is_closed = False
        self.call_at = SharedTimers(self.start_timer, self.context, log.failed).call_at
        self.streams: dict[Closable, None] = {}
        """Open sockets without a task of their own. Here and below dicts keep an order that each run repeats."""
        self._tasks: dict[Task, None] = {}
        self._turns: Turns | None = None
        self._lag: LagProbe | None = None
        self._closers: tuple[Task, ...] = ()
        self._listeners: tuple[TcpListener, ...] = ()
        self._watchers: list[Completion[None]] = []

    @abstractmethod
    def is_here(self) -> bool:
        """Return True for a caller that runs in this event loop."""

    def expect_here(self) -> None:
        """Raise RuntimeError in other threads and event loops, with the ways from there into this one."""
        if not self.is_here():
            raise RuntimeError(
                "cannot use this client or server: it belongs to the event loop of another thread; call it with "
                "anyio.from_thread.run or asyncio.run_coroutine_threadsafe, or use ocpp_transports.blocking"
            )

    @property
    def lag(self) -> LagProbe:
        """The lag of the event loop; see SocketRuntime."""
        if self._lag is None:
            self._lag = LagProbe(self.now, self._start_shared)
        return self._lag

    def next_turn(self, fn: Callable[[], int | None], /) -> Handle:
        """Call a function in a later turn; see Runtime."""
        if self._turns is None:
            self._turns = Turns(self._soon, self.now, self._tasks)
        return self._turns.add(fn)

    def _soon(self, fn: Callable[[], None]) -> object:
        return self._start_shared(self.now(), fn)

    def _start_shared(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Start a timer that belongs to no task."""
        return self.context.run(self.start_timer, when, fn)

    @abstractmethod
    def start_timer(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Start a timer of the event loop that calls `fn` at `when`."""

    @abstractmethod
    def start(self, task: Task, coro: Coroutine[Any, Any, None], context: Context) -> None:
        """Start the coroutine, set `task.cancel_it`, and call `ended` at its end, however it ended."""

    @abstractmethod
    async def welcome(
        self,
        accepted: socket,
        address: str,
        tls: TLSHandshakes | None,
        connected: Connected,
        rules: AcceptRules,
        closed: Callable[[], None],
        /,
    ) -> None:
        """Serve an accepted socket, without waiting; call `closed` when it is closed."""

    # Tasks

    def spawn(self, coro: Coroutine[Any, Any, None], stream: Closable | None = None) -> Handle:
        """Run a coroutine as a task; see Runtime. Only its stream ends a task that serves one."""
        task = Task(stream)
        if self.is_closed and stream is None:
            coro.close()
            return task
        self._tasks[task] = None
        context = copy_context()
        if stream is None:
            context.run(_current.set, task)
        elif _current.get() is not None:
            context.run(_current.set, None)
        self.start(task, coro, context)
        return task

    def spawn_detached(self, function: Callable[[], Coroutine[Any, Any, None]]) -> Handle:
        """Run a coroutine function as a task in a context without a task, which all that it begins would keep alive."""
        return self.spawn(_without_task(function))

    def ended(self, task: Task, error: BaseException | None) -> None:
        """Note that a task ended; an exception is a fault of this library or of a callback that must not raise.

        KeyboardInterrupt and SystemExit are not faults: they end the event loop.
        """
        self._tasks.pop(task, None)
        task.cancel_it = None
        if error is not None and not isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.log.failed("a task failed", error)
        self.changed()

    async def over(self, task: Handle) -> None:
        """Wait until a task has ended."""
        while task in self._tasks:
            await self._change()

    def changed(self) -> None:
        """Wake tasks that wait for tasks and streams to end."""
        if self._watchers:
            watchers, self._watchers = self._watchers, []
            for completion in watchers:
                complete(completion, None)

    async def _change(self) -> None:
        completion: Completion[None] = self.completion()
        self._watchers.append(completion)
        await completion

    # Streams

    def count(self, traffic: "Traffic") -> None:
        """Count bytes; see SocketRuntime."""
        from ocpp_transports._hosts._counted import CountedStream  # loaded only when used

        self.traffic = traffic
        self.new_stream = CountedStream

    def stream_dialer(self, connect: Callable[[], Awaitable[ByteStream]]) -> Dialer[StreamInput, bytes]:
        """Return the dialer of a client over byte streams; see SocketRuntime."""
        return partial(self._dial_stream, connect)

    def _dial_stream(
        self,
        connect: Callable[[], Awaitable[ByteStream]],
        driver: InputSink[StreamInput],
        attempt: int,
        _: Sequence[str],
    ) -> StreamConnection:
        return self.new_stream(self).dial_by(connect, driver, attempt)

    def accept_stream(self, stream: ByteStream, connected: Connected) -> None:
        """Serve a byte stream; see Runtime."""
        self.new_stream(self).serve(stream, connected)

    async def listen(
        self,
        port: int,
        host: str | None = None,
        *,
        ssl: Callable[[], SSLContext] | None = None,
        backlog: int = BACKLOG,
        reuse_port: bool = False,
        inherited: Sequence[socket] = (),
        connected: Connected,
        rules: AcceptRules | None = None,
    ) -> Listener:
        """Listen on a port; see SocketRuntime."""
        rules = rules or AcceptRules()
        tls = None if ssl is None else TLSHandshakes(ssl, rules, self.now)
        if inherited:
            sockets = await adopt_sockets(inherited)
        else:
            sockets = await open_sockets(port, host, backlog, reuse_port=reuse_port)
        listener = TcpListener(self, sockets, reuse_port=reuse_port, is_inherited=bool(inherited))
        self._listeners = (*self._listeners, listener)
        loop = AcceptLoop(self, tls, connected, rules)
        return listener.accept_by(loop.run, partial(self._accept_last, loop))

    async def _accept_last(self, loop: AcceptLoop, listener: SocketListener) -> None:
        """Accept what waits for a listener that ends, and remember it for the end of this runtime."""
        if self.is_closed:
            return
        before = self._all_streams()
        await loop.accept_waiting(listener)
        self._late = frozenset(each for each in self._all_streams() if each in self._late or each not in before)

    def accept_failed(self, rules: AcceptRules, address: str | None, error: Exception) -> None:
        """Report that a connection could not be accepted."""
        rules.failed("accepting a connection failed", ConnectionFailedEvent(address, str(error), error))

    def forget_listener(self, listener: "TcpListener") -> None:
        """Note that a listener is closed."""
        self._listeners = tuple(each for each in self._listeners if each is not listener)

    # Closing

    async def aclose(self) -> None:
        """End everything; see Runtime."""
        try:
            await self._see_off()
        finally:
            await self._end()
            await self.sources.aclose()

    async def _see_off(self) -> None:
        """Let connections that were just accepted get their refusal, at most `PARTING` seconds.

        No event tells when a connection begins to close.
        """
        until = self.now() + PARTING
        while self.now() < until and not all(each.is_closing for each in self._all_streams() if each in self._late):
            await self._pause(_GLANCE)
        self._late = frozenset()

    async def _pause(self, seconds: float) -> None:
        completion: Completion[None] = self.completion()
        self.start_timer(self.now() + seconds, partial(complete, completion, None))
        await completion

    async def _end(self) -> None:
        self.is_closed = True
        if self._lag is not None:
            self._lag.stop()
        me = _current.get()
        if me not in self._tasks:
            await self._end_all(is_own=False)
            return
        self._closers = (*self._closers, me)
        try:
            await self._end_all(is_own=True)
        finally:
            self._closers = tuple(task for task in self._closers if task is not me)

    async def _end_all(self, *, is_own: bool) -> None:
        for task in self._own_tasks():
            task.cancel()
        patience = self.start_timer(self.now() + STUBBORN, self._leave_behind)
        try:
            await self._end_streams(is_own=is_own)
        finally:
            patience.cancel()

    def _own_tasks(self) -> list[Task]:
        """Return tasks that no stream ends, and that do not wait here for everything to end."""
        return [task for task in self._tasks if task.stream is None and task not in self._closers]

    def _leave_behind(self) -> None:
        """Stop waiting for tasks that swallow their cancellation: these run code of the application."""
        stubborn = self._own_tasks()
        if stubborn:
            text = f"{len(stubborn)} tasks did not end {STUBBORN:g} s after they were cancelled"
            self.log.warning(text)
        for task in stubborn:
            self._tasks.pop(task, None)
        self.changed()

    async def _end_streams(self, *, is_own: bool) -> None:
        for stream in self._all_streams():
            if not stream.is_closing:
                stream.close(abort=True)
        try:
            await self._emptied(is_own=is_own)
        except BaseException:
            for stream in self._all_streams():
                stream.close(abort=True)
            with anyio.CancelScope(shield=True):
                await self._emptied(is_own=is_own)
            raise

    def _all_streams(self) -> dict[Closable, None]:
        return self.streams | dict.fromkeys(task.stream for task in self._tasks if task.stream is not None)

    async def _emptied(self, *, is_own: bool) -> None:
        """Wait until everything has ended; a task of this runtime waits for no task that waits here, nor for itself."""
        while self.streams or (any(task not in self._closers for task in self._tasks) if is_own else self._tasks):
            await self._change()
        for listener in self._listeners:
            await listener.aclose()


async def _without_task(function: Callable[[], Coroutine[Any, Any, None]]) -> None:
    _current.set(None)
    await function()
