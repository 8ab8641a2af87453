"""Which server of Redis Cluster has which slot."""

from binascii import crc_hqx
from collections.abc import Iterator
from typing import Any, Final

from coredis.patterns.pipeline import Pipeline

from ocpp_transports.cluster._redis._commands import PlainCommand, Reply
from ocpp_transports.cluster._redis._errors import NoServerError, reason

from ._url import RedisAddress

__all__ = ["READ_SLOTS", "SlotMap", "located", "slot_of"]

_SLOTS: Final = 16_384


def _append(pipe: Pipeline[bytes]) -> object:
    return pipe.cluster_slots()


READ_SLOTS: Final = PlainCommand("", _append)
"""The command whose reply `SlotMap.of` reads."""


def slot_of(key: str) -> int:
    """Return the slot of a key: that of its hash tag, if it has one."""
    _, brace, rest = key.partition("{")
    tag, end, _ = rest.partition("}")
    return crc_hqx((tag if brace and end and tag else key).encode(), 0) % _SLOTS


def located(host: str, port: int, asked: RedisAddress) -> RedisAddress:
    """Return the address that the server at `asked` names; a server that does not know its own host omits it."""
    return RedisAddress(host if host and host != "?" else asked.host, port)


class SlotMap:
    """The primary of each slot; changes as servers report other ones."""

    def __init__(self) -> None:
        self._primaries: list[RedisAddress | None] = [None] * _SLOTS

    @classmethod
    def of(cls, reply: Reply, asked: RedisAddress) -> "SlotMap":
        """Read the reply of a server. Raises NoServerError if it has no slots."""
        if isinstance(reply, Exception):
            raise NoServerError(f"no server of Redis Cluster: {reason(reply)}; use redis:// for a single one")
        slots = cls()
        for first, last, primary in _ranges(reply):
            slots._primaries[first : last + 1] = [located(primary["host"], primary["port"], asked)] * (last + 1 - first)
        return slots

    def __getitem__(self, slot: int) -> RedisAddress | None:
        return self._primaries[slot]

    def __setitem__(self, slot: int, primary: RedisAddress) -> None:
        self._primaries[slot] = primary

    def primaries(self) -> set[RedisAddress]:
        """Return the servers that have slots."""
        return {each for each in self._primaries if each is not None}


def _ranges(reply: Reply) -> Iterator[tuple[int, int, Any]]:
    for (first, last), servers in reply.items():
        yield first, last, servers[0]
