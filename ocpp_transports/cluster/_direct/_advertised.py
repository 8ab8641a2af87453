"""Where a node listens for others, and the address that it advertises: the options of a `Cluster` about it."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Self

from ocpp_core._dataclasses import dataclass
from ocpp_transports._options._tls import TLSOptions

from ._address import StreamAddress

__all__ = ["AdvertisedAddress", "expect_node_tls"]


@dataclass(frozen=True, slots=True)
class AdvertisedAddress:
    """Where a node listens, and how others reach it."""

    advertised: StreamAddress
    """The address for other nodes; with port 0, the port on which this node listens."""
    listening: StreamAddress
    """The address on which this node listens."""

    @classmethod
    def read(
        cls, advertise: str | None, listen: str | None, tls: TLSOptions | None, *, allow_plain_tcp: bool
    ) -> Self | None:
        """Return the addresses of a node; None for a node that does not listen. Raises ValueError."""
        if advertise is None:
            if listen is not None:
                raise ValueError("expected advertise with listen: other nodes must learn where they can connect")
            return None
        advertised = _read("advertise", advertise)
        listening = advertised if listen is None else _read("listen", listen)
        _expect_reachable(advertised)
        if listening.scheme != advertised.scheme:
            raise ValueError(f"expected listen with the scheme of advertise, {advertised.scheme!r}, got {listen!r}")
        if listening.scheme == "tls" and tls is None:
            raise ValueError("expected tls with an address as tls://")
        if listening.scheme == "tcp" and not allow_plain_tcp:
            _expect_loopback(listening)
        return cls(advertised, listening)

    def with_port(self, port: int) -> str:
        """Return the address for other nodes, if this node listens on a port."""
        return str(self.advertised if self.advertised.port else replace(self.advertised, port=port))


def expect_node_tls(tls: TLSOptions | None) -> None:
    """Raise TypeError or ValueError unless these are certificates for both sides of a connection, or None."""
    if tls is None:
        return
    if not isinstance(tls, TLSOptions):
        raise TypeError(f"expected tls as TLSOptions, got {type(tls).__name__}")
    if tls.cert is None or tls.ca is None or not tls.verify:
        raise ValueError(
            "expected tls with cert, key, ca and verify=True: each node checks the certificate of the other"
        )


def _read(name: str, address: object) -> StreamAddress:
    if not isinstance(address, str):
        raise TypeError(f"expected {name} as str, got {type(address).__name__}")
    try:
        return StreamAddress.read(address)
    except ValueError:
        raise ValueError(
            f"expected {name} as tcp://host:port, tls://host:port or unix:///path, got {address!r}"
        ) from None


def _expect_reachable(where: StreamAddress) -> None:
    if where.host in {"0.0.0.0", "::"}:  # noqa: S104 - it is refused
        raise ValueError(f"expected advertise with an address of this machine, got {str(where)!r}; pass it as listen")


def _expect_loopback(where: StreamAddress) -> None:
    try:
        is_loopback = ip_address(where.host).is_loopback
    except ValueError:
        is_loopback = where.host == "localhost"
    if not is_loopback:
        raise ValueError(
            f"cannot listen on {str(where)!r}: anyone who reaches a port without TLS can command all stations; use "
            "tls:// and tls=TLSOptions(…), or allow_plain_tcp=True in a network that only the nodes reach"
        )
