"""What Redis answers, as records. Anything that is not ours raises `ForeignDataError`; nothing of it is shown."""

import re
from contextlib import suppress
from typing import Final, NamedTuple

from ocpp_core.cluster.records import ClusterOwner, NodeId
from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._commands import Reply

__all__ = ["ClaimReply", "address_of", "entry_of", "foreign", "generation_of", "losses_of", "owner_of", "stations_of"]

_NUMBER: Final = re.compile(rb"[0-9]{1,16}")


def foreign(key: str, what: str) -> ForeignDataError:
    """Return the error for a value that this library has not written."""
    return ForeignDataError(f"expected data of the registry in the key {key!r}, got another value for {what}")


class ClaimReply(NamedTuple):
    """The reply to a claim or restore."""

    is_ours: bool
    fence: int
    losses: int
    before: ClusterOwner | None
    """Who had the station."""
    generation: str
    waiters: tuple[NodeId, ...]
    """The nodes that waited for the station."""


def entry_of(reply: Reply, key: str) -> ClaimReply:
    """Read the reply of CLAIM and RESTORE."""
    if reply[0] == b"foreign":
        raise foreign(key, "a station or a counter")
    word, fence, losses, before, generation, *waiters = reply
    return ClaimReply(
        word == b"ours",
        int(fence),
        int(losses),
        owner_of(before or None, key),
        generation_of(generation),
        tuple(NodeId(node.decode(errors="replace")) for node in (waiters[0] if waiters else ())),
    )


def stations_of(reply: Reply) -> dict[str, ClusterOwner]:
    """Read some fields of a bucket: its stations, without what is not ours."""
    stations: dict[str, ClusterOwner] = {}
    for name, value in reply.items():
        if name.startswith(b"="):
            with suppress(UnicodeDecodeError, ForeignDataError):
                owner = owner_of(value, "")
                if owner is not None:
                    stations[name[1:].decode("utf-8", "surrogatepass")] = owner
    return stations


def owner_of(value: bytes | None, key: str) -> ClusterOwner | None:
    """Read the entry of a station; None means that no node has it."""
    if value is None:
        return None
    fence, _, node = value.partition(b"|")
    try:
        if _NUMBER.fullmatch(fence) and node:
            return ClusterOwner(NodeId(node.decode()), int(fence))
    except UnicodeDecodeError:
        pass
    raise foreign(key, "a station")


def address_of(value: bytes | None, key: str) -> str | None:
    """Read the address in a lease; a node without one has an empty value."""
    try:
        return value.decode() or None if value else None
    except UnicodeDecodeError:
        raise foreign(key, "an address") from None


def losses_of(since: bytes | None, lost: bytes | None, now: int, key: str) -> int:
    """Return the counter of a node's losses in a bucket as CLAIM would; `now` is the time of Redis in µs."""
    for value in (since, lost):
        if value is not None and not _NUMBER.fullmatch(value):
            raise foreign(key, "a counter")
    return int(since or now) + int(lost or 0)


def generation_of(value: bytes) -> str:
    """Return the name of one life of the data. Raises StoreUnavailableError if Redis has none."""
    if not value:
        raise StoreUnavailableError("cannot use Redis: it states no replication ID; use Redis or Valkey itself")
    return value.decode()
