"""What a byte stream of anyio shows of its peer, and its socket."""

import socket
from contextlib import suppress

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute

from ocpp_core.admission.pins import fingerprint_of
from ocpp_transports.handshake import ConnectionFacts

__all__ = ["address_of", "drop", "facts_of", "keep_alive", "socket_of"]


async def drop(stream: ByteStream) -> None:
    """Close a stream at once, also in a task that is cancelled."""
    with anyio.CancelScope(shield=True), suppress(Exception):
        await anyio.aclose_forcefully(stream)


def socket_of(stream: ByteStream) -> socket.socket | None:
    """Return the socket below a stream, None without one."""
    raw_socket: socket.socket | None = stream.extra(SocketAttribute.raw_socket, None)
    return raw_socket


def keep_alive(stream: ByteStream) -> None:
    """Turn the kernel's keepalive on."""
    raw_socket = socket_of(stream)
    if raw_socket is not None:
        with suppress(OSError):
            raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def address_of(stream: ByteStream) -> str | None:
    """Return the numeric address of the peer, None without one."""
    address = stream.extra(SocketAttribute.remote_address, None)
    return address[0] if isinstance(address, tuple) else None


def facts_of(stream: ByteStream) -> ConnectionFacts:
    """Return what is known of an accepted connection, after its TLS handshake."""
    certificate = stream.extra(TLSAttribute.peer_certificate, None) or None
    encoded = stream.extra(TLSAttribute.peer_certificate_binary, None) if certificate else None
    return ConnectionFacts(
        address_of(stream),
        certificate,
        stream.extra(TLSAttribute.tls_version, None) is not None,
        fingerprint_of(encoded) if encoded else None,
    )
