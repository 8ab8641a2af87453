"""The cluster that the servers of a measurement join."""

from typing import Final

from ocpp_transports import TLSOptions
from ocpp_transports.cluster import Cluster

__all__ = ["CARRIERS", "LOCAL", "cluster"]

LOCAL: Final = "local"
"""The station of the calling server itself."""
CARRIERS: Final = {"redis": "over Redis", "tcp": "direct, TCP", "tls": "direct, TLS", "unix": "direct, Unix socket"}
"""The ways to a station of another server; each such server has one station, with this identity."""


def cluster(url: str, name: str, folder: str) -> Cluster:
    """Return the cluster for one server. Its certificate is in `folder`."""
    address = {
        "tcp": "tcp://127.0.0.1:0",
        "tls": "tls://127.0.0.1:0",
        "unix": f"unix://{folder}/node.sock",
    }.get(name)
    with_tls = name in {LOCAL, "tls"}
    pem = f"{folder}/node.pem"
    tls = TLSOptions(cert=pem, key=pem, ca=f"{folder}/ca.pem") if with_tls else None
    return Cluster(url, name, lease=30, advertise=address, tls=tls)
