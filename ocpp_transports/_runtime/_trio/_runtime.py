"""The runtime of trio. Imported only if trio runs: it is not a dependency.

Every task is a system task with its own cancel scope. So no nursery wraps the body of an `async with` block, its
exceptions leave the block unchanged, and `aclose` works from any task: it waits for all of them.
"""

import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextvars import Context
from functools import partial
from ssl import SSLContext
from typing import Any, Generic, Never, TypeVar

import anyio
import trio
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from anyio.streams.tls import TLSStream

from ocpp_core.timers import Timers
from ocpp_transports._callbacks._containment import end_program, ending_in, is_cancellation
from ocpp_transports._driver._accepting import AcceptRules, Connected
from ocpp_transports._driver._interfaces import Connection, Dialer, Handle, InputSink, StreamInput
from ocpp_transports._hosts._failure import failure
from ocpp_transports._hosts._tcp import tune
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._base import Address
from ocpp_transports._runtime._tasks import Task, TaskSupervisor
from ocpp_transports._tls._alerts import sending_alerts
from ocpp_transports._tls._handshakes import TLSHandshakes
from ocpp_transports._tls._reasons import client_reason

__all__ = ["TrioResult", "TrioRuntime"]

T = TypeVar("T")


class TrioResult(Generic[T]):
    """A completion that parks its one waiter; see Completion."""

    __slots__ = ("_is_done", "_result", "_waiter")
    _result: T

    def __init__(self) -> None:
        self._is_done = False
        self._waiter: trio.lowlevel.Task | None = None

    def done(self) -> bool:
        """Return True if it has a result."""
        return self._is_done

    def set_result(self, result: T, /) -> None:
        """Set the result and wake the waiter."""
        self._is_done = True
        self._result = result
        if self._waiter is not None:
            trio.lowlevel.reschedule(self._waiter)
            self._waiter = None

    def __await__(self) -> Generator[Any, Any, T]:
        if self._is_done:
            yield from trio.lowlevel.checkpoint().__await__()  # noqa: ASYNC105 - awaited in the form of a generator
        else:
            self._waiter = trio.lowlevel.current_task()
            yield from trio.lowlevel.wait_task_rescheduled(self._abandon).__await__()  # noqa: ASYNC105 - the same
        return self._result

    def _abandon(self, _: object) -> trio.lowlevel.Abort:
        self._waiter = None
        return trio.lowlevel.Abort.SUCCEEDED


class _Timer:
    __slots__ = ("_timers", "fn")

    def __init__(self, timers: Timers, fn: Callable[[], None]) -> None:
        self._timers = timers
        self.fn: Callable[[], None] | None = fn

    def cancel(self) -> None:
        if self.fn is not None:
            self.fn = None
            self._timers.cancel(self)

    def ring(self) -> None:
        fn, self.fn = self.fn, None
        if fn is not None:
            fn()


class TrioRuntime(TaskSupervisor):
    """The part of a trio event loop that a client or server uses; see Runtime."""

    def __init__(self, log: Log) -> None:
        super().__init__(trio.current_time, TrioResult, log)
        self._token = trio.lowlevel.current_trio_token()
        self._timers = Timers()
        self._alarm = trio.CancelScope()
        self._clock: Task | None = None
        self._is_over = False
        self._ending: BaseException | None = None

    def is_here(self) -> bool:
        """Return True in this event loop; see TaskSupervisor."""
        try:
            return trio.lowlevel.current_trio_token() is self._token
        except RuntimeError:
            return False

    # Clock

    def start_timer(self, when: float, fn: Callable[[], None], /) -> Handle:
        """Start a timer; see TaskSupervisor. One task serves all timers."""
        timer = _Timer(self._timers, fn)
        if self._is_over:
            return timer
        self._timers.set(timer, when)
        if self._clock is None:
            self._clock = Task(None)
            self.start(self._clock, self._ring(), self.context.copy())
        elif when < self._alarm.deadline:
            self._alarm.deadline = when
        return timer

    async def _ring(self) -> None:
        while True:
            with trio.CancelScope(deadline=self._timers.next) as self._alarm:
                await trio.sleep_forever()
            for timer in list(self._timers.due(trio.current_time())):
                if isinstance(timer, _Timer):
                    self._ring_one(timer)

    def _ring_one(self, timer: _Timer) -> None:
        try:
            timer.ring()
        except BaseException as error:  # it must not stop the other timers, without which nothing here ends
            if ending_in(error) is None:
                self.log.failed("a timer failed", error)
            else:
                end_program(error, self.spawn)

    # Tasks

    def start(self, task: Task, coro: Coroutine[Any, Any, None], context: Context) -> None:
        """Start a task; see TaskSupervisor."""
        supervisor = trio.CancelScope()
        task.cancel_it = supervisor.cancel
        trio.lowlevel.spawn_system_task(self._run, task, coro, supervisor, context=context)

    async def _run(self, task: Task, coro: Coroutine[Any, Any, None], supervisor: trio.CancelScope) -> None:
        failed: BaseException | None = None
        try:
            with supervisor:
                await coro
        except BaseException as error:
            if is_cancellation(error):
                raise
            failed = error  # in a system task it would end the event loop with a TrioInternalError
            ending = ending_in(error)
            if ending is not None:
                self._end_program(ending)
        finally:
            self.ended(task, failed)

    def _end_program(self, error: BaseException) -> None:
        """Interrupt the main task, as Ctrl-C does; the end of the block that owns this runtime raises the error.

        Only the first error interrupts: a second one would interrupt the end of the block, and replace the first.
        Only the main thread can be interrupted this way; in other threads only trio's own end remains.
        """
        if threading.current_thread() is not threading.main_thread():
            raise error
        if self._ending is None:
            self._ending = error
            signal.raise_signal(signal.SIGINT)

    async def aclose(self) -> None:
        """End everything; see Runtime. The clock ends last: closing may need time.

        Raises the KeyboardInterrupt or SystemExit that a task of this runtime raised.
        """
        try:
            await super().aclose()
        finally:
            self._is_over = True
            self._timers.clear()
            if self._clock is not None:
                self._clock.cancel()
        ending, self._ending = self._ending, None
        if ending is not None:
            raise ending

    # Sockets

    def dialer(self, where: Callable[[], Address]) -> Dialer[StreamInput, bytes]:
        """Return the dialer of a client; see SocketRuntime."""
        return partial(self._dial, where)

    def _dial(
        self, where: Callable[[], Address], driver: InputSink[StreamInput], attempt: int, _: Sequence[str]
    ) -> Connection[bytes]:
        try:
            address = where()
        except Exception as error:  # it is the outcome of this attempt
            return self.new_stream(self).dial_by(partial(_fail, error), driver, attempt)
        return self.reach(address, driver, attempt)

    def reach(self, address: Address, driver: InputSink[StreamInput], attempt: int) -> Connection[bytes]:
        """Begin to open a connection that feeds `driver` under this attempt, and return it."""
        return self.new_stream(self).dial_by(partial(_connect, address), driver, attempt)

    async def welcome(
        self,
        accepted: socket.socket,
        address: str,
        tls: TLSHandshakes | None,
        connected: Connected,
        rules: AcceptRules,
        closed: Callable[[], None],
    ) -> None:
        """Serve an accepted socket; see TaskSupervisor."""
        try:
            tune(accepted)
            stream = await SocketStream.from_socket(accepted)
        except (OSError, ValueError):  # the peer has left already
            accepted.close()
            closed()
            return
        if rules.proxied is not None:
            arrival = rules.proxied(rules, address, connected, closed)
            self.new_stream(self).serve(stream, arrival.connected, tls, arrival.released, arrival)
        else:
            self.new_stream(self).serve(stream, connected, tls, closed)


async def _fail(error: Exception) -> Never:
    raise error


async def connect_tcp(address: Address) -> SocketStream:
    """Connect a stream without TLS; the addresses of the host race (RFC 8305)."""
    return await anyio.connect_tcp(address.host, address.port)


async def _connect(address: Address) -> ByteStream:
    try:
        stream = await connect_tcp(address)
        return stream if address.ssl is None else await _secure(stream, address, address.ssl)
    except Exception as error:
        raise failure(error, f"{address.host}:{address.port}", client_reason(error)) from error


async def _secure(stream: SocketStream, address: Address, context: SSLContext) -> ByteStream:
    try:
        with sending_alerts(context, stream.extra(SocketAttribute.raw_socket)):
            return await TLSStream.wrap(
                stream, server_side=False, hostname=address.server_hostname or address.host, ssl_context=context
            )
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise
