"""The certificates that a server uses."""

from datetime import datetime
from typing import Literal

from ocpp_core._dataclasses import dataclass

__all__ = ["LoadedCertificate"]


@dataclass(frozen=True, slots=True)
class LoadedCertificate:
    """A certificate that a server's listeners use, read from its `TLSOptions`."""

    use: Literal["cert", "ca"]
    """The field of `TLSOptions`: `cert` for the server's own certificate and its chain, `ca` for one it trusts."""
    source: str
    """The path of its file, or `given as bytes`, or `given as str`."""
    common_name: str
    """The CN of its subject; empty without one."""
    not_after: datetime
    """The time in UTC at which it expires (RFC 5280 §4.1.2.5)."""
