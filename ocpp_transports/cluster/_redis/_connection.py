"""The one task that uses a client of coredis, and the queue of those who want something from Redis.

A client of coredis (6.9) must not be shared, nor be cancelled or used after an error: commands of others are repeated,
places in its pool are lost for ever, and once all are lost every command hangs. So one task owns one client object.
Callers wait for a result that this task sets; their cancellation and their timeout never reach coredis. Any lost
connection and any timeout ends the client object, and the next request makes a new one.

The task writes all requests that wait in one pipeline. So a slow Redis costs each caller one round trip, however many
callers there are.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final, Protocol

import anyio
from coredis import Redis
from coredis.exceptions import ReadOnlyError

from ocpp_transports._driver._interfaces import Completion, complete
from ocpp_transports._runtime._base import SocketRuntime

from ._commands import Command, Reply, execute
from ._errors import Unreachable, reason

__all__ = ["CommandExecutor", "RedisConnection"]

_MOST_WAITING: Final = 20_000
"""Commands that wait at most; coredis itself would keep any number."""
_MOST_AT_ONCE: Final = 1_000
"""Commands of one pipeline; at least one request, whatever it has."""


class CommandExecutor(Protocol):
    """Executes commands of any number of tasks, which may be cancelled at any time."""

    async def execute(self, commands: Sequence[Command], deadline: float) -> list[Reply]:
        """Return the replies to commands, in their order; an error that Redis answers is a reply.

        Args:
            commands: Those of one server are executed one after another; between them there may be others.
            deadline: When to stop waiting, on the clock of the event loop.

        Raises:
            Unreachable: There is no answer; `is_written` is False if Redis has certainly not executed anything.
        """

    async def execute_stamped(
        self, stamp: Command, commands: Sequence[Command], deadline: float
    ) -> list[tuple[Reply, Reply]]:
        """Execute a command without a key at each server, then those commands that are about its keys.

        Args:
            stamp: The command without a key.
            commands: As for `execute`.
            deadline: As for `execute`.

        Returns:
            For each of the commands, the reply of its server to the stamp, and that to the command. Both are the
            `Unreachable` of a server that did not answer while another one did.

        Raises:
            Unreachable: No server answered.
        """

    def close(self) -> None:
        """Fail all requests, and disconnect. Idempotent."""


class _Request:
    """What a caller waits for."""

    __slots__ = ("commands", "completion", "is_abandoned", "is_written")

    def __init__(self, commands: Sequence[Command], completion: Completion[list[Reply] | Unreachable]) -> None:
        self.commands = commands
        self.completion = completion
        self.is_abandoned = False
        """True if nobody waits for it any more: it is not written."""
        self.is_written = False


class RedisConnection:
    """Executes commands of any number of tasks over one connection at a time; see `CommandExecutor`.

    Args:
        client: Makes a connected client, each time the last one has ended.
        timeout: Seconds for connecting, and for the answer to a pipeline.
        runtime: Runs the task.
    """

    def __init__(
        self, client: Callable[[], AbstractAsyncContextManager["Redis[bytes]"]], timeout: float, runtime: SocketRuntime
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._runtime = runtime
        self._waiting: deque[_Request] = deque()
        self._commands_waiting = 0
        self._current: Sequence[_Request] = ()
        self._wanted = anyio.Event()
        self._is_closed = False
        self._task = runtime.spawn(self._run())

    async def execute(self, commands: Sequence[Command], deadline: float) -> list[Reply]:
        """Return the replies to commands, in their order; see `CommandExecutor`."""
        if self._is_closed:
            raise Unreachable("the connection is closed", is_written=False)
        if self._commands_waiting + len(commands) > max(_MOST_WAITING, len(commands)):
            raise Unreachable(f"{self._commands_waiting} commands wait already", is_written=False)
        request = _Request(commands, self._runtime.completion())
        self._waiting.append(request)
        self._commands_waiting += len(commands)
        self._wanted.set()
        try:
            with anyio.CancelScope(deadline=deadline):
                result = await request.completion
                if isinstance(result, Unreachable):
                    raise result
                return result
        finally:
            request.is_abandoned = True
        raise Unreachable("it did not answer in time", is_written=request.is_written)

    async def execute_stamped(
        self, stamp: Command, commands: Sequence[Command], deadline: float
    ) -> list[tuple[Reply, Reply]]:
        """Return the replies to commands, each with that to the stamp; see `CommandExecutor`."""
        first, *replies = await self.execute([stamp, *commands], deadline)
        return [(first, reply) for reply in replies]

    def close(self) -> None:
        """Fail all requests, and disconnect. Idempotent."""
        self._is_closed = True
        self._task.cancel()
        self._fail((*self._current, *self._take_oldest(len(self._waiting))), "the connection is closed")

    # In the task that owns the client

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            hoping = len(self._waiting)
            try:
                async with self._client() as client:
                    hoping = 0  # connected: from now on only what is written may fail
                    await self._serve(client)
            except Exception as error:  # also groups of them, from the tasks of coredis
                self._fail((*self._current, *self._take_oldest(hoping)), reason(error))
            self._current = ()

    async def _serve(self, client: "Redis[bytes]") -> None:
        """Execute what is requested until the client has to end."""
        pipe = partial(client.pipeline, transaction=False, raise_on_error=False, timeout=self._timeout)
        is_usable = True
        while is_usable:
            await self._wanted.wait()
            self._current = self._take()
            commands = [each for request in self._current for each in request.commands]
            with anyio.fail_after(2 * self._timeout):  # coredis should end it before: this is a last resort
                replies = await execute(pipe, commands)
            is_usable = not any(isinstance(reply, ReadOnlyError) for reply in replies)
            self._answer(replies)

    def _answer(self, replies: Sequence[Reply]) -> None:
        at = 0
        for request in self._current:
            complete(request.completion, list(replies[at : at + len(request.commands)]))
            at += len(request.commands)
        self._current = ()

    # The queue

    def _take(self) -> list[_Request]:
        """Take the requests of the next pipeline, without those that nobody waits for any more."""
        taken: list[_Request] = []
        room = _MOST_AT_ONCE
        while self._waiting and (not taken or len(self._waiting[0].commands) <= room):
            (request,) = self._take_oldest(1)
            if not request.is_abandoned:
                request.is_written = True
                taken.append(request)
                room -= len(request.commands)
        return taken

    def _take_oldest(self, number: int) -> list[_Request]:
        taken = [self._waiting.popleft() for _ in range(number)]
        self._commands_waiting -= sum(len(request.commands) for request in taken)
        if not self._waiting:
            self._wanted = anyio.Event()
        return taken

    def _fail(self, requests: Sequence[_Request], why: str) -> None:
        for request in requests:
            complete(request.completion, Unreachable(why, is_written=request.is_written))
