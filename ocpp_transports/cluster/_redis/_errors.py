"""Errors of Redis and of coredis, in our words."""

from collections.abc import Iterator
from typing import Final

from coredis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
    WrongTypeError,
)

from ocpp_transports.cluster._store import ForeignDataError, StoreUnavailableError

from ._commands import Reply

__all__ = ["NoServerError", "Unreachable", "checked", "reason"]

_NO_PASSWORD: Final = "the user or the password of its URL is wrong or missing"  # noqa: S105 - the words of an error
_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (AuthenticationError, _NO_PASSWORD),
    (AuthorizationError, "its user may not use a command that the registry needs"),
    (BusyLoadingError, "it is loading its data"),
    (AskError, "it is one of several servers of Redis Cluster; use redis+cluster:// as the URL"),
    (ClusterDownError, "a part of Redis Cluster has no primary"),
    (TryAgainError, "it is moving the key to another server"),
    (ReadOnlyError, "it is a replica, which accepts no writes"),
    (TimeoutError, "it did not answer in time"),
)
"""What a user can do something about; texts of Redis are not repeated, as they may quote commands."""


_REFUSALS: Final = {
    "OOM": "its memory is full",
    "MISCONF": "it cannot write its data to disk",
    "NOREPLICAS": "it has too few replicas",
    "MASTERDOWN": "it is a replica without a primary",
}
"""The first words of refusals for which coredis has no class."""


class NoServerError(Exception):
    """No server of Redis has the key at the moment; the text says why."""


class Unreachable(Exception):  # noqa: N818 - a fact for the callers here, which raise errors of their interfaces
    """Redis did not answer; `is_written` is False if it has certainly not executed anything."""

    def __init__(self, why: str, *, is_written: bool) -> None:
        super().__init__(why)
        self.is_written = is_written


def reason(error: BaseException) -> str:
    """Return why Redis cannot be used, without what it was sent."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, NoServerError):
            return str(cause)
    for kind, text in _REASONS:
        if any(isinstance(cause, kind) for cause in causes):
            return text
    refusal = next((cause for cause in causes if isinstance(cause, ResponseError)), None)
    if refusal is not None:
        return _REFUSALS.get(code := _code(refusal)) or f"it refused a command ({code})"
    network = next((cause for cause in causes if isinstance(cause, OSError)), None)
    return f"the connection failed ({type(network or error).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Iterate over an error, those of a group, and those that caused it."""
    seen: set[int] = set()
    ahead = [error]
    while ahead:
        each = ahead.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            ahead += (each.__cause__, *(each.exceptions if isinstance(each, BaseExceptionGroup) else ()))


def _code(error: RedisError) -> str:
    """Return the first word of an answer of Redis, which names the kind of error."""
    word = str(error).partition(" ")[0]
    return word if word.isalpha() and word.isupper() else type(error).__name__


def checked(reply: Reply, key: str) -> Reply:
    """Return the reply to a command about a key.

    Raises:
        ForeignDataError: The key has a value of another type.
        StoreUnavailableError: Redis refused the command.
    """
    if isinstance(reply, WrongTypeError) or "not an integer" in str(reply if isinstance(reply, ResponseError) else ""):
        raise ForeignDataError(f"expected data of the registry in the key {key!r}, got a value of another type")
    if isinstance(reply, Exception):
        raise StoreUnavailableError(f"cannot use Redis: {reason(reply)}") from None
    return reply
