"""What a connection knows of a TLS that is not played: it is protected, and the certificate that the peer shows."""

from typing import Any, Final

from ocpp_core._dataclasses import dataclass
from ocpp_transports._options._tls import Pem
from ocpp_transports._tls._files import content
from ocpp_transports._tls._peer_certificate import peer_certificate
from ocpp_transports._tls._x509 import certificates_in

__all__ = ["ANONYMOUS", "PlayedTLS", "shown"]


@dataclass(frozen=True, slots=True)
class PlayedTLS:
    """The part of an `ssl.SSLSocket` that a server reads."""

    certificate: bytes | None = None
    """The certificate of the peer (DER), which nobody verifies; None if it shows none."""

    def getpeercert(self, binary_form: bool = False) -> Any:  # as the standard library has it
        """Return the certificate of the peer, None if it shows none."""
        if self.certificate is None or binary_form:
            return self.certificate
        return peer_certificate(self.certificate)


ANONYMOUS: Final = PlayedTLS()
"""The TLS of a peer that shows no certificate."""


def shown(certificate: Pem) -> PlayedTLS:
    """Return the TLS of a peer that shows this certificate, the first one of a chain.

    Raises OSError for a file that cannot be read, ValueError for anything that is not a certificate.
    """
    played = PlayedTLS(next(certificates_in(content(certificate)), b""))
    try:
        played.getpeercert()
    except ValueError as error:
        raise ValueError(f"expected a certificate in PEM or DER, got something else: {error}") from None
    return played
