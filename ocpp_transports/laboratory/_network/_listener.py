"""A port of the virtual network."""

from collections.abc import Callable

from ._link import AcceptLink, Link

__all__ = ["VirtualListener"]


class VirtualListener:
    """A listening port; see `Listener`."""

    def __init__(
        self,
        port: int,
        host: str,
        accept: AcceptLink,
        closed: Callable[["VirtualListener"], None],
        *,
        reuse_port: bool,
        is_tls: bool,
    ) -> None:
        self.port = port
        self.host = host
        self.reuse_port = reuse_port
        self.is_tls = is_tls
        """True if its connections count as protected by TLS."""
        self.closed: bool = False
        """True after it has stopped accepting."""
        self._accept = accept
        self._forget = closed

    def accept(self, link: Link) -> None:
        """Accept a connection, or reset it after the end."""
        if self.closed:
            link.refuse()
        else:
            self._accept(link)

    async def aclose(self) -> None:
        """Stop accepting; accepted connections continue. Idempotent."""
        if not self.closed:
            self.closed = True
            self._forget(self)
