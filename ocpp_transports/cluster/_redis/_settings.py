"""Where Redis is, and what the nodes of one cluster have to agree on."""

import re
from ssl import SSLContext
from typing import Final
from urllib.parse import urlsplit

from ocpp_core._dataclasses import dataclass
from ocpp_transports._logging._log import Log, Logging, logger_of

__all__ = ["RedisSettings"]

_SCHEMES: Final = ("redis", "rediss", "unix")
_MOST_BUCKETS: Final = 4096
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True, repr=False)
class RedisSettings:
    """What a store and a carrier need; the URL may contain a password, so it is not shown.

    Raises:
        ValueError: A value is not allowed.
    """

    url: str
    buckets: int
    prefix: str
    ssl: SSLContext | None
    logging: Logging

    def __post_init__(self) -> None:
        _check_url(self.url)
        if not 1 <= self.buckets <= _MOST_BUCKETS:
            raise ValueError(f"expected buckets from 1 to {_MOST_BUCKETS}, got {self.buckets!r}")
        if not _PREFIX.fullmatch(self.prefix):  # braces would move all keys into one slot
            raise ValueError(f"expected prefix as 1 to 64 letters, digits or one of _.:-, got {self.prefix!r}")
        logger_of(self.logging)

    @property
    def shown(self) -> str:
        """The URL without user, password and options."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def log(self) -> Log:
        """Return a log of its own for a store or carrier."""
        return Log(logger_of(self.logging), "cluster", is_station=False)


def _check_url(url: str) -> None:
    """Raise ValueError, without the password, for a URL that coredis would read in another way."""
    try:
        parts = urlsplit(url)
        port = parts.port  # raises for anything but a number
    except ValueError:
        raise ValueError("expected url with a host and a number as port, got another URL") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"expected url as redis://, rediss:// or unix://, got the scheme {parts.scheme!r}")
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("expected url with the path of a socket, got none")
    elif not parts.hostname or port == 0:
        raise ValueError("expected url with a host and a port, got none")
    elif not re.fullmatch(r"/?[0-9]*", parts.path):
        raise ValueError("expected url with the number of a database as path, got another path")
    if not re.fullmatch(r"(db=[0-9]+)?", parts.query):  # others would override what the client relies on
        raise ValueError("expected url without options but db=NUMBER, got others")
