"""The TLS of a listener: its files as they were when they were read, and the context made of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from ssl import SSLContext
from typing import Literal, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.handshake import SecurityProfile
from ocpp_transports._options._tls import Pem, TLSOptions
from ocpp_transports.certificates import LoadedCertificate

from ._contexts import server_context
from ._files import content, path_of, source
from ._x509 import certificates_in, read_certificate

__all__ = ["LiveTLS", "LoadedTLS"]

_FileStates: TypeAlias = tuple[tuple[int, int, int] | None, ...]
"""Time of modification, size and inode of each file; None for one that is missing."""


@dataclass(frozen=True, slots=True)
class LoadedTLS:
    """Options of TLS, and what their files contained. Its context is never changed: a renewal makes another one.

    OpenSSL keeps tickets and trusted authorities of a changed context, and drops its key if the new one does not match.
    """

    tls: TLSOptions | SSLContext
    context: SSLContext
    certificates: tuple[LoadedCertificate, ...]
    """The certificates of the files; those of an `SSLContext` are not known."""
    files: _FileStates
    """The files before they were read: if they change later, or while they are read, they differ."""

    @classmethod
    def load(cls, tls: TLSOptions | SSLContext, *profiles: SecurityProfile) -> "LoadedTLS":
        """Read the files, and make a new context. Raises the errors of `server_context`."""
        files = _file_states(tls)
        context = server_context(tls, *profiles)
        return cls(tls, context, tuple(_certificates(tls)), files)


@dataclass(slots=True, eq=False)
class LiveTLS:
    """The TLS of a listener at work, which may be replaced; connections and handshakes in progress keep the old one."""

    loaded: LoadedTLS
    profiles: tuple[SecurityProfile, ...]
    """The security profiles of the stations that the listener accepts."""
    seen: _FileStates = ()
    """The files at the last look."""
    refused: _FileStates | None = None
    """The files that could not be used, which was reported."""

    def replace(self, loaded: LoadedTLS) -> None:
        """Use this from the next handshake on."""
        self.loaded, self.refused = loaded, None

    def context(self) -> SSLContext:
        """Return the context for the next handshake."""
        return self.loaded.context

    def follow(self, failed: Callable[[Exception], object]) -> bool:
        """Load the files again if they have changed, and not since the last look; return True if it has.

        They may be in the middle of a replacement, one after the other. A failure is reported once for each change.
        """
        found, before = _file_states(self.loaded.tls), self.seen
        self.seen = found
        if found in {self.loaded.files, self.refused} or found != before:
            return False
        try:
            self.replace(LoadedTLS.load(self.loaded.tls, *self.profiles))
        except (OSError, ValueError) as error:
            self.refused = found
            failed(error)
            return False
        return True


def _file_states(tls: TLSOptions | SSLContext) -> _FileStates:
    """Return the states of the files of these options; none for certificates as bytes and for an `SSLContext`."""
    paths = [path_of(pem) for pem in _pems(tls)]
    return tuple(_state(path) for path in paths if path is not None)


def _pems(tls: TLSOptions | SSLContext) -> Iterator[Pem]:
    if isinstance(tls, TLSOptions):
        for pair in (*tls.pairs, (tls.ca, tls.crl)):
            yield from (pem for pem in pair if pem is not None)


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _certificates(tls: TLSOptions | SSLContext) -> Iterator[LoadedCertificate]:
    if isinstance(tls, TLSOptions):
        for cert, _ in tls.pairs:
            yield from _read("cert", cert)
        if tls.ca is not None:
            yield from _read("ca", tls.ca)


def _read(use: Literal["cert", "ca"], pem: Pem) -> Iterator[LoadedCertificate]:
    """Read the certificates of a file. OpenSSL has accepted it, so an odd one in it is left out."""
    for der in certificates_in(content(pem)):
        try:
            facts = read_certificate(der)
        except ValueError:
            continue
        yield LoadedCertificate(use, source(pem), facts.common_name, facts.not_after)
