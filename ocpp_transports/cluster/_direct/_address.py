"""Where a node accepts the streams of other nodes."""

from typing import Self
from urllib.parse import urlsplit

from ocpp_core._dataclasses import dataclass

__all__ = ["StreamAddress"]


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """The address of a node: `tcp://host:port`, `tls://host:port` or `unix:///path`."""

    scheme: str
    """`tcp`, `tls` or `unix`."""
    host: str = ""
    """The host; empty with `unix`."""
    port: int = 0
    """The port; 0 with `unix`, or to listen on any."""
    path: str = ""
    """The path of the socket with `unix`."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the address that a text is. Raises ValueError."""
        path = text.removeprefix("unix://")
        if path != text and path.startswith("/") and "\0" not in path:
            return cls("unix", path=path)
        url = urlsplit(text)
        if url.scheme in {"tcp", "tls"} and url.hostname and url.port is not None and not url.path:
            return cls(url.scheme, url.hostname, url.port)
        raise ValueError(f"expected an address as tcp://host:port, tls://host:port or unix:///path, got {text!r}")

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"
