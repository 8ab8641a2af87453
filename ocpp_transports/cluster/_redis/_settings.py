"""Where Redis is, and what the nodes of one cluster have to agree on."""

import re
from dataclasses import field
from ssl import SSLContext
from typing import Final

from ocpp_core._dataclasses import dataclass
from ocpp_transports._logging._log import Log, Logging, logger_of

from ._servers._url import Credentials, RedisUrl, Topology, read_url

__all__ = ["RedisSettings"]

_MOST_BUCKETS: Final = 4096
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True, repr=False)
class RedisSettings:
    """What a store and a carrier need; the URL may contain a password, so it is not shown.

    Raises:
        ValueError: A value is not allowed.
        TypeError: A value has the wrong type.
    """

    url: str
    buckets: int
    prefix: str
    ssl: SSLContext | None
    logging: Logging
    sentinel_credentials: Credentials = Credentials(None, None)
    where: RedisUrl = field(init=False)
    """The parts of the URL."""

    def __post_init__(self) -> None:
        for name, kind in (("url", str), ("prefix", str), ("buckets", int)):
            value = getattr(self, name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise TypeError(f"expected {name} as {kind.__name__}, got {type(value).__name__}")
        object.__setattr__(self, "where", read_url(self.url))
        if any(self.sentinel_credentials) and self.where.topology is not Topology.SENTINEL:
            raise ValueError("expected a user and a password of Sentinel only with redis+sentinel://")
        if self.ssl is not None and not self.where.is_tls:
            raise ValueError(f"expected ssl only with a URL for TLS, got {self.where.shown!r}")
        if not 1 <= self.buckets <= _MOST_BUCKETS:
            raise ValueError(f"expected buckets from 1 to {_MOST_BUCKETS}, got {self.buckets!r}")
        if not _PREFIX.fullmatch(self.prefix):  # braces would move all keys into one slot
            raise ValueError(f"expected prefix as 1 to 64 letters, digits or one of _.:-, got {self.prefix!r}")
        logger_of(self.logging)

    def log(self) -> Log:
        """Return a log of its own for a store or carrier."""
        return Log(logger_of(self.logging), "cluster", is_station=False)
