"""The queue of a cluster in Redis."""

from typing import Any, Final

from ocpp_core.cluster.queue.records import (
    CommandState,
    CommandStatus,
    EnqueueAnswer,
    NewCommand,
    SettledCommand,
    TakeAnswer,
    TakenCommand,
)
from ocpp_core.cluster.queue.settings import ClusterQueueLimits
from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_transports.cluster._redis._commands import Reply, ScriptCall
from ocpp_transports.cluster._redis._errors import Unreachable, checked
from ocpp_transports.cluster._redis._keys import Keys
from ocpp_transports.cluster._redis._own_connection import OwnConnection
from ocpp_transports.cluster._redis._replies import foreign, owner_of
from ocpp_transports.cluster._redis._scripts import Script
from ocpp_transports.cluster._redis._settings import RedisSettings
from ocpp_transports.cluster._store import StoreUnavailableError

from ._redis_scripts import ACKNOWLEDGE, CANCEL, ENQUEUE, LOOK, SETTLE, TAKE
from ._store import QueueUnavailableError

__all__ = ["RedisQueueStore"]

_MILLI: Final = 1000


class RedisQueueStore:
    """The queue as one node sees it; see `QueueStore`.

    Args:
        settings: Where Redis is.
        timeout: Seconds until a method raises `QueueUnavailableError`.
    """

    def __init__(self, settings: RedisSettings, timeout: float) -> None:
        self._settings = settings
        self._keys = Keys(settings.prefix, settings.buckets)
        self._me = NodeId("")
        self._connection = OwnConnection(settings, timeout)

    async def open(self, node: NodeId) -> None:
        """Begin to connect; the registry has checked the layout."""
        self._me = node
        self._connection.open()

    async def aclose(self) -> None:
        """Disconnect. Idempotent."""
        await self._connection.aclose()

    async def enqueue(self, station: str, command: NewCommand, limits: ClusterQueueLimits) -> EnqueueAnswer:
        """Store a command."""
        deadline = "" if command.deadline is None else _milliseconds(command.deadline)
        arguments = (
            str(command.number),
            command.action,
            command.key or "",
            command.content,
            command.origin,
            _milliseconds(command.ttl),
            deadline,
            _milliseconds(limits.kept),
            limits.size,
            limits.size_bytes,
            limits.stations,
        )
        word, owner, news, *found = await self._run(ENQUEUE, station, *arguments)
        status = None if word == b"full" else _status(found[0])
        return EnqueueAnswer(status, owner_of(owner or None, self._keys.bucket(station)), _news(news))

    async def take(self, station: str, token: str, fence: int, patience: float) -> TakeAnswer:
        """Mark the next command."""
        claim = f"{fence}|{self._me}"
        word, _, news, *found = await self._run(TAKE, station, token, claim, _milliseconds(patience))
        if word == b"lost":
            return TakeAnswer(is_owner=False, news=_news(news))
        command = _command(found[0]) if found else None
        return TakeAnswer(is_owner=True, command=command, news=_news(news))

    async def settle(
        self, station: str, token: str, number: int | None, outcome: str | None
    ) -> tuple[SettledCommand, ...]:
        """Settle a marked command or give it back."""
        name = "" if number is None else str(number)
        return _news((await self._run(SETTLE, station, token, name, outcome or ""))[2])

    async def cancel(self, station: str, number: int) -> tuple[SettledCommand, ...]:
        """Settle a command as cancelled."""
        return _news((await self._run(CANCEL, station, str(number)))[2])

    async def look(self, station: str) -> tuple[list[CommandStatus], ClusterOwner | None, tuple[SettledCommand, ...]]:
        """Return what there is of a station."""
        _, owner, news, found = await self._run(LOOK, station)
        owner_now = owner_of(owner or None, self._keys.bucket(station))
        return [_status(each) for each in found], owner_now, _news(news)

    async def acknowledge(self, station: str, number: int) -> tuple[SettledCommand, ...]:
        """Forget an outcome."""
        return _news((await self._run(ACKNOWLEDGE, station, str(number)))[2])

    async def _run(self, script: Script, station: str, *arguments: str | int) -> Any:
        """Return what a script answers. Raises QueueUnavailableError, ForeignDataError."""
        name = station.encode("utf-8", "surrogatepass")
        keys = (self._keys.queue(station), self._keys.bucket(station), self._keys.queues(station))
        call = ScriptCall(script, tuple(keys), (name, *arguments))
        try:
            (reply,) = await self._connection.execute([call])
        except Unreachable as error:
            raise self._unavailable(f"{error}", error.is_written) from None
        return self._checked(reply, keys[0])

    def _checked(self, reply: Reply, key: str) -> Any:
        try:
            reply = checked(reply, key)
        except StoreUnavailableError as error:
            raise QueueUnavailableError(str(error)) from None
        if reply[0] == b"foreign":
            raise foreign(key, "the commands of a station")
        return reply

    def _unavailable(self, why: str, may_be_stored: bool) -> QueueUnavailableError:
        doubt = "; the command may be stored" if may_be_stored else ""
        return QueueUnavailableError(f"cannot use Redis at {self._settings.where.shown}: {why}{doubt}", may_be_stored)


def _milliseconds(seconds: float) -> int:
    return round(seconds * _MILLI)


def _news(reply: Any) -> tuple[SettledCommand, ...]:
    pairs = zip(reply[::2], reply[1::2], strict=True)
    return tuple(SettledCommand(int(number), NodeId(origin.decode())) for number, origin in pairs)


def _status(reply: Any) -> CommandStatus:
    number, action, key, state, left, outcome = reply
    return CommandStatus(
        int(number),
        action.decode(),
        key.decode() or None,
        CommandState(state.decode()),
        int(left) / _MILLI,
        outcome.decode() or None,
    )


def _command(reply: Any) -> TakenCommand:
    number, content, left, deadline = reply
    return TakenCommand(
        int(number), content.decode(), int(left) / _MILLI, None if deadline == b"" else int(deadline) / _MILLI
    )
