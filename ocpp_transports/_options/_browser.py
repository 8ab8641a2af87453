"""The options of a client in a browser: those of every client, and a password."""

from dataclasses import field
from functools import cached_property
from urllib.parse import quote

from ocpp_core._dataclasses import dataclass
from ocpp_core.handshake import expect_basic_user, password_bytes

from ._reconnect import ReconnectOptions

__all__ = ["BrowserOptions"]


@dataclass(frozen=True, kw_only=True)
class BrowserOptions(ReconnectOptions):
    """The options of `BrowserOCPPClient`. Raises TypeError and ValueError for invalid ones."""

    password: str | bytes | None = field(default=None, repr=False)
    """For Basic credentials: text as UTF-8, bytes unchanged. Browsers send them only if the server asks for them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.offline_queue, bool):
            self._expect_memory()
        if self.identity in (".", ".."):
            raise ValueError(f"expected an identity that a browser keeps unchanged in a URL, got {self.identity!r}")
        _ = self.secret_url

    def _expect_memory(self) -> None:
        from ocpp_transports.outbox._memory import MemoryStore  # loaded only when used

        if not isinstance(self.offline_queue, MemoryStore):
            got = type(self.offline_queue).__name__
            raise TypeError(f"expected offline_queue as bool or MemoryStore, got {got}: a page has no other store")

    @cached_property
    def secret_url(self) -> str:
        """The URL to open, with the credentials, since a page cannot set headers. Never log or show it."""
        url = self.address.url
        if self.password is None:
            return url
        expect_basic_user(self.identity)
        credentials = f"{quote(self.identity, safe='')}:{quote(password_bytes(self.password), safe='')}"
        return url.replace("://", f"://{credentials}@", 1)
