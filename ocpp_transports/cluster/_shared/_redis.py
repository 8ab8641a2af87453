"""The common memory of a cluster in Redis, over a connection of its own: its writes delay no claim of a station."""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from ocpp_core._json import dumps, loads
from ocpp_core.cluster.shared.records import (
    MOST_ANSWERS,
    AnswerChange,
    SessionChange,
    SharedAnswer,
    SharedChange,
    SharedSession,
    StationMemory,
)
from ocpp_transports.cluster._redis._commands import Command, Reply, ScriptCall
from ocpp_transports.cluster._redis._errors import Unreachable, checked
from ocpp_transports.cluster._redis._keys import Keys
from ocpp_transports.cluster._redis._own_connection import OwnConnection
from ocpp_transports.cluster._redis._settings import RedisSettings
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._scripts import ADD_ANSWERS, PUT_SESSION, READ, TAKE

__all__ = ["RedisSharedStore"]

_MICRO: Final = 1_000_000
_SESSION: Final = re.compile(rb"([0-9]{1,16})\|(.*)", re.DOTALL)
_ANSWER: Final = re.compile(rb"([0-9]{1,17})\|(.*)", re.DOTALL)


class RedisSharedStore:
    """The common memory as one node sees it; see `SharedStore`.

    Args:
        settings: Where Redis is.
        timeout: Seconds until a method raises `StoreUnavailableError`.
    """

    def __init__(self, settings: RedisSettings, timeout: float) -> None:
        self._settings = settings
        self._keys = Keys(settings.prefix, settings.buckets)
        self._connection = OwnConnection(settings, timeout)

    async def open(self) -> None:
        """Begin to serve requests; the first one connects."""
        self._connection.open()

    async def aclose(self) -> None:
        """Disconnect. Idempotent."""
        await self._connection.aclose()

    async def read(self, name: str, key: str | None) -> StationMemory:
        """Return what is known of a station; what cannot be read counts as missing."""
        keys = (self._session(name, key or ""), self._answers(name))
        (reply,) = await self._run([ScriptCall(READ, keys, (MOST_ANSWERS,))])
        now, session, answers = checked(reply, keys[0])
        read = (_answer(value, int(now)) for value in answers)
        return StationMemory(_session(session) if key else None, tuple(each for each in read if each is not None))

    async def write(self, changes: Sequence[SharedChange]) -> None:
        """Write changes in one pipeline."""
        commands = [self._put(each) if isinstance(each, SessionChange) else self._add(each) for each in changes]
        foreign = ""
        for command, reply in zip(commands, await self._run(commands), strict=True):
            if checked(reply, command.key) == b"foreign":
                foreign = str(command.keys[-1])
        if foreign:
            raise ForeignDataError(f"expected data of the cluster in the key {foreign!r}, got a value of another type")

    async def take(self, taken: Mapping[str, int], rate: float, burst: float) -> Sequence[float]:
        """Take tokens from the common buckets, in one pipeline."""
        most = round((2 * burst - 1) / rate * _MICRO)
        commands = [
            ScriptCall(TAKE, (self._rate(owner),), (round(tokens / rate * _MICRO), most))
            for owner, tokens in taken.items()
        ]
        replies = await self._run(commands)
        return [int(checked(reply, command.key)) / _MICRO for command, reply in zip(commands, replies, strict=True)]

    def _put(self, change: SessionChange) -> ScriptCall:
        keys = (self._keys.bucket(change.name), self._session(change.name, change.key))
        station = change.name.encode("utf-8", "surrogatepass")
        return ScriptCall(PUT_SESSION, keys, (station, change.fence, change.text, _milliseconds(change.ttl)))

    def _add(self, change: AnswerChange) -> ScriptCall:
        rules = (MOST_ANSWERS, _milliseconds(change.window), int(change.replaces))
        texts = [dumps([each.message_id, each.digest, each.text]) for each in change.answers]
        return ScriptCall(ADD_ANSWERS, (self._answers(change.name),), (*rules, *texts))

    # Keys: of digests, because identities may be long, and no lone surrogate can be written

    def _session(self, name: str, key: str) -> str:
        return self._keys.of_station(name, f"session:{key}")

    def _answers(self, name: str) -> str:
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return self._keys.of_station(name, f"answers:{digest}")

    def _rate(self, owner: str) -> str:
        digest = blake2b(owner.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return self._keys.of_station(owner, f"rate:{digest}")

    async def _run(self, commands: Sequence[Command]) -> list[Reply]:
        """Return the replies to commands. Raises StoreUnavailableError."""
        try:
            return await self._connection.execute(commands)
        except Unreachable as error:
            raise StoreUnavailableError(f"cannot use Redis at {self._settings.where.shown}: {error}") from None


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 1)


def _session(value: bytes | None) -> SharedSession | None:
    found = None if value is None else _SESSION.fullmatch(value)
    try:
        return None if found is None else SharedSession(int(found[1]), found[2].decode())
    except UnicodeDecodeError:
        return None


def _answer(value: bytes, now: int) -> tuple[SharedAnswer, float] | None:
    """Read a response and the seconds that are left of it; None if none are left, or if it is none of ours."""
    found = _ANSWER.fullmatch(value)
    try:
        parts: Any = None if found is None else loads(found[2].decode())
    except (ValueError, RecursionError):
        return None
    if found is None or not isinstance(parts, list) or [type(part) for part in parts] != [str, str, str]:
        return None
    left = int(found[1]) - now
    return (SharedAnswer(*parts), left / _MICRO) if left > 0 else None
