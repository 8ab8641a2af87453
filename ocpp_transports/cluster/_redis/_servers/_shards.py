"""Executes commands at the servers of Redis Cluster that have their slots.

Each primary has a connection with a task of its own. A server that no longer has a slot names the one that has it, and
has not executed the command, so it is executed there. A failure makes the next request read the slots anew, from any
server that answers.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from math import inf
from typing import Final, NamedTuple

import anyio
from coredis.exceptions import AskError, ClusterDownError, MovedError, TryAgainError

from ocpp_transports._runtime._base import SocketRuntime
from ocpp_transports.cluster._redis._commands import Command, PlainCommand, Reply, ScriptCall
from ocpp_transports.cluster._redis._connection import RedisConnection
from ocpp_transports.cluster._redis._errors import NoServerError, Unreachable
from ocpp_transports.cluster._redis._settings import RedisSettings

from ._client import open_client
from ._slots import READ_SLOTS, SlotMap, located, slot_of
from ._url import RedisAddress

__all__ = ["ShardedConnection"]

_MOST_ATTEMPTS: Final = 5
"""Servers that one command is sent to, until one executes it."""
_PAUSE: Final = 0.1
"""Seconds from one reading of the slots to the next, and before a command whose slot is being moved."""
_PART: Final = 4
"""A server may take this part of the timeout to report the slots: others report them too."""
_ASKING: Final = PlainCommand("", lambda pipe: pipe.asking())


class _Errand(NamedTuple):
    """A command on its way to a server."""

    at: int
    command: Command
    server: RedisAddress | None
    """None if no server has the slot of its key."""
    is_asking: bool = False
    """True if the server gets the slot at this moment, and executes only what is announced."""

    def commands(self) -> tuple[Command, ...]:
        """Return what the server is sent; the last reply is that of the command."""
        if not self.is_asking:
            return (self.command,)
        text = self.command.append_text if isinstance(self.command, ScriptCall) else self.command.append
        return _ASKING, PlainCommand(self.command.key, text)


class _Answer(NamedTuple):
    errand: _Errand
    stamp: Reply
    reply: Reply


class ShardedConnection:
    """Executes commands over one connection to each primary; see `CommandExecutor`.

    Args:
        settings: Some of the servers.
        timeout: Seconds for connecting, and for the answer to a pipeline.
        runtime: Runs the tasks.
    """

    def __init__(self, settings: RedisSettings, timeout: float, runtime: SocketRuntime) -> None:
        self._settings = settings
        self._timeout = timeout
        self._runtime = runtime
        self._connections: dict[RedisAddress, RedisConnection] = {}
        self._slots: SlotMap | None = None
        self._is_stale = True
        self._read_at = -inf
        self._reporter: tuple[RedisAddress, ...] = ()
        """The server that reported the slots last: it is asked first."""
        self._reading = anyio.Lock()
        self._is_closed = False

    async def execute(self, commands: Sequence[Command], deadline: float) -> list[Reply]:
        """Return the replies to commands; see `CommandExecutor`."""
        replies = [answer.reply for answer in await self._execute((), commands, deadline)]
        failures = [reply for reply in replies if isinstance(reply, Unreachable)]
        if failures:
            is_written = len(failures) < len(replies) or any(failure.is_written for failure in failures)
            raise Unreachable(str(failures[0]), is_written=is_written)
        return replies

    async def execute_stamped(
        self, stamp: Command, commands: Sequence[Command], deadline: float
    ) -> list[tuple[Reply, Reply]]:
        """Return the replies to commands, each with that of the stamp at its server; see `CommandExecutor`."""
        answers = await self._execute((stamp,), commands, deadline)
        failures = [answer.reply for answer in answers if isinstance(answer.reply, Unreachable)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        return [(answer.stamp, answer.reply) for answer in answers]

    def close(self) -> None:
        """Fail all requests, and disconnect. Idempotent."""
        self._is_closed = True
        self._keep(())

    async def _execute(
        self, stamp: tuple[Command, ...], commands: Sequence[Command], deadline: float
    ) -> Sequence[_Answer]:
        slots = await self._current_slots(deadline)
        answers: dict[int, _Answer] = {}
        errands = [_Errand(at, command, slots[slot_of(command.key)]) for at, command in enumerate(commands)]
        for _ in range(_MOST_ATTEMPTS):
            found = await self._visit(stamp, errands, deadline)
            answers.update((answer.errand.at, answer) for answer in found)
            errands = [again for answer in found if (again := self._redirected(answer)) is not None]
            if not errands:
                break
            if any(isinstance(answer.reply, TryAgainError) for answer in found):
                await anyio.sleep(_PAUSE)
        return [answers[at] for at in range(len(commands))]

    # The servers of one request

    async def _visit(
        self, stamp: tuple[Command, ...], errands: Iterable[_Errand], deadline: float
    ) -> Sequence[_Answer]:
        """Execute commands at their servers; the answer of one that cannot be reached is its failure."""
        by_server: defaultdict[RedisAddress | None, list[_Errand]] = defaultdict(list)
        for errand in errands:
            by_server[errand.server].append(errand)
        answers: list[_Answer] = []

        async def ask(server: RedisAddress | None, there: Sequence[_Errand]) -> None:
            try:
                answers.extend(await self._ask(server, stamp, there, deadline))
            except Unreachable as failure:
                self._is_stale = True
                answers.extend(_Answer(errand, failure, failure) for errand in there)

        if len(by_server) == 1:
            await ask(*next(iter(by_server.items())))
        else:
            async with anyio.create_task_group() as tasks:
                for server, there in by_server.items():
                    tasks.start_soon(ask, server, there)
        return answers

    async def _ask(
        self, server: RedisAddress | None, stamp: tuple[Command, ...], errands: Sequence[_Errand], deadline: float
    ) -> list[_Answer]:
        if server is None:
            raise Unreachable("no server of Redis Cluster has the slot of the key", is_written=False)
        commands = [*stamp, *(command for errand in errands for command in errand.commands())]
        try:
            replies = await self._connection(server).execute(commands, deadline)
        except Unreachable as error:
            raise Unreachable(f"{server}: {error}", is_written=error.is_written) from None
        stamped = replies[0] if stamp else None
        answers, at = [], len(stamp) - 1
        for errand in errands:
            at += len(errand.commands())
            answers.append(_Answer(errand, stamped, replies[at]))
        return answers

    def _redirected(self, answer: _Answer) -> _Errand | None:
        """Return where a command has to go next; None if it was executed, or refused for another reason."""
        errand, reply = answer.errand, answer.reply
        if isinstance(reply, AskError) and errand.server is not None:
            server = located(reply.host, reply.port, errand.server)
            if isinstance(reply, MovedError):
                self._note_moved(reply.slot_id, server)
            return errand._replace(server=server, is_asking=not isinstance(reply, MovedError))
        if isinstance(reply, ClusterDownError):
            self._is_stale = True
        return errand if isinstance(reply, TryAgainError) else None

    # The slots

    def _note_moved(self, slot: int, server: RedisAddress) -> None:
        self._is_stale = True
        if self._slots is not None:
            self._slots[slot] = server

    async def _current_slots(self, deadline: float) -> SlotMap:
        with anyio.CancelScope(deadline=deadline):
            while self._slots is None or self._is_outdated():
                async with self._reading:
                    if self._slots is None or self._is_outdated():
                        await self._read_slots(deadline)
        if self._slots is None:
            raise Unreachable("no server reported the slots in time", is_written=False)
        return self._slots

    def _is_outdated(self) -> bool:
        return self._is_stale and anyio.current_time() >= self._read_at + _PAUSE

    async def _read_slots(self, deadline: float) -> None:
        """Read the slots from the first server that reports them; keep those known if none does."""
        failure = Unreachable("no server reported the slots", is_written=False)
        for server in dict.fromkeys((*self._reporter, *self._connections, *self._settings.where.addresses)):
            soon = min(deadline, anyio.current_time() + self._timeout / _PART)
            try:
                (reply,) = await self._connection(server).execute([READ_SLOTS], soon)
                self._slots = SlotMap.of(reply, server)
            except (Unreachable, NoServerError) as error:
                failure = Unreachable(f"{server}: {error}", is_written=False)
            else:
                self._is_stale, self._reporter = False, (server,)
                self._keep(self._slots.primaries())
                break
        self._read_at = anyio.current_time()
        if self._slots is None:
            raise failure

    def _connection(self, server: RedisAddress) -> RedisConnection:
        if self._is_closed:
            raise Unreachable("the connection is closed", is_written=False)
        if server not in self._connections:
            credentials = self._settings.where.credentials
            client = partial(open_client, self._settings, server, credentials, self._timeout)
            self._connections[server] = RedisConnection(client, self._timeout, self._runtime)
        return self._connections[server]

    def _keep(self, servers: Iterable[RedisAddress]) -> None:
        """End the connections to all other servers."""
        kept = set(servers)
        for server in self._connections.keys() - kept:
            self._connections.pop(server).close()
