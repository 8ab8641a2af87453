"""A server's listeners, and how their certificates are replaced while they listen."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLContext

from ocpp_core.handshake import SecurityProfile
from ocpp_transports._logging._log import Log
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._options._tls import TLSOptions, expect_tls
from ocpp_transports._runtime._base import Listener
from ocpp_transports._server._listening import ServerEvents
from ocpp_transports._tls._loaded import LiveTLS
from ocpp_transports.certificates import LoadedCertificate
from ocpp_transports.events import CertificateExpiringEvent, ErrorEvent

from ._renewal import Renewal

__all__ = ["RenewalMixin"]


class RenewalMixin(ServerEvents):
    """The listeners of a server and their certificates."""

    _options: ServerOptions
    _log: Log

    def __init__(self) -> None:
        super().__init__()
        self._listeners: dict[Listener, LiveTLS | None] = {}
        self._profiles: dict[Listener, SecurityProfile | None] = {}
        """The security profiles of listeners; None means that of the server."""
        self._beginning: dict[LiveTLS, None] = {}  # of listeners that do not listen yet
        self._renewal = Renewal(self._live_tls, self._not_renewed, self._renewed, self._expiring)

    def update_tls(self, tls: TLSOptions | SSLContext | None = None, *, listener: Listener | None = None) -> None:
        """Replace the certificates of listeners at work; without `tls`, read their files again.

        TLS handshakes that begin now use the new ones. Connections stay open. The server makes a new TLS context, so
        session tickets of the old one are worthless, and an authority that is missing in the new one is not trusted.
        If this raises, nothing has changed.

        Args:
            tls: The new certificates. They also replace the option `tls`, if it is set.
            listener: The only listener to change, without changing the option; None means all that use TLS.

        Raises:
            OSError: A file cannot be read, or its contents are invalid; the error names the file.
            ValueError: The certificates do not meet the security profile, or an SSLContext is in use already.
            TypeError: An argument has the wrong type.
            RuntimeError: No listener of this server uses TLS.
        """
        self._expect_here()
        expect_tls(tls)
        live = self._live_tls() if listener is None else [self._open_listeners().get(listener)]
        found = [each for each in live if each is not None]
        if not found:
            raise RuntimeError("cannot update TLS: no open listener of this server uses it; call listen() first")
        changes_option = tls is not None and listener is None and self._options.tls is not None
        options = self._options.changed({"tls": tls}) if changes_option else self._options
        self._renewal.replace(found, tls, options)
        self._set_options(options)

    @property
    def certificates(self) -> tuple[LoadedCertificate, ...]:
        """The certificates that the listeners use, with their time of expiry; those of an `SSLContext` are unknown."""
        return self._renewal.certificates

    @abstractmethod
    def _expect_here(self) -> None:
        """Raise RuntimeError if the server belongs to the event loop of another thread."""

    @abstractmethod
    def _set_options(self, options: ServerOptions, /) -> None:
        """Use these options from now on."""

    def _open_listeners(self) -> dict[Listener, LiveTLS | None]:
        """Return the listeners without those that were closed separately."""
        return {listener: tls for listener, tls in self._listeners.items() if not listener.closed}

    def _live_tls(self) -> list[LiveTLS]:
        """Return the TLS of all listeners, also of those that begin."""
        return [*self._beginning, *filter(None, self._open_listeners().values())]

    @contextmanager
    def _begin(self, live: LiveTLS | None) -> Iterator[None]:
        """Let the TLS of a listener be replaced before it listens."""
        if live is None:
            yield
            return
        self._beginning[live] = None
        try:
            yield
        finally:
            del self._beginning[live]

    def _renewed(self) -> None:
        """Log that listeners have other certificates."""
        self._log.info("certificates renewed: TLS handshakes that begin now use them")

    def _not_renewed(self, error: Exception) -> None:
        """Log and emit that changed files cannot be used."""
        self._log.warning(f"certificates not renewed, the old ones stay in use: {error}")
        self._emit("error", ErrorEvent(error))

    def _expiring(self, event: CertificateExpiringEvent) -> None:
        """Log and emit that a certificate is near its end."""
        certificate, verb = event.certificate, "expires on" if event.days_left > 0 else "expired on"
        self._log.warning(f"the certificate {certificate.source} {verb} {certificate.not_after:%Y-%m-%d %H:%M} UTC")
        self._emit("certificate_expiring", event)
