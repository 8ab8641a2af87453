"""The check of a station's certificate against its identity: security profile 3.

The CN of a station's certificate is its serial number (security whitepaper for 1.6 and OCPP 2.x Part 2, A00.FR.405),
which may differ from its identity. Without a rule that relates the two, every certificate of the CA would be valid for
every station.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from functools import partial
from typing import Final, Literal

from ocpp_core._dataclasses import dataclass
from ocpp_core.inputs import Reject

from .handshake import Certificate, Identify
from .step import Ask, Candidate, Cause, Verdict, refuse

__all__ = ["CheckCertificate", "common_names", "describe", "refuse_without_certificate"]

_UNREADABLE: Final = frozenset({"<unsupported>", "<invalid>"})
"""The values that `getpeercert` returns for a subjectAltName that it cannot show."""
_SHOWN: Final = 64


@dataclass(frozen=True, slots=True)
class CheckCertificate:
    """The step that requires a certificate valid for the identity; 401 otherwise.

    An identity that `auth` names is checked after `auth`. Every check of the certificate runs as an `Ask`, in which it
    may raise: a mapping may be a database, and a certificate may come from a proxy.
    """

    identify: Identify = field(repr=False)
    tls_terminated: bool
    """True if a TLS-terminating proxy checks the certificate; it need not pass it on."""
    key: Callable[[str], str]
    """Function that returns equal keys for identities that name the same station."""

    def __call__(self, candidate: Candidate) -> Verdict:
        """Compare the names of the certificate with the identity, as `identify` requires."""
        certificate, identity = candidate.handshake.client_certificate, candidate.handshake.identity
        if not identity:
            return None
        if certificate is None:
            may_lack = self.tls_terminated and not candidate.facts.certificate_absent
            return None if may_lack else refuse_without_certificate(candidate)
        then = partial(self._judge, candidate)
        if callable(self.identify):
            return Ask("identify", self.identify, (certificate, identity), then)
        return Ask("identify", _is_vouched_for, (self.identify, certificate, identity, self.key), then)

    def _judge(self, candidate: Candidate, answer: object) -> Reject | None:
        if _is_good(answer, candidate.handshake.identity, self.key):
            return None
        detail = f"the certificate of {describe(candidate)} is not valid for this identity"
        candidate.cause = Cause("certificate_mismatch", detail)
        return refuse(401, "Unauthorized")


def _is_vouched_for(
    identify: Literal["exact", "any"] | Mapping[str, str],
    certificate: Certificate,
    identity: str,
    key: Callable[[str], str],
) -> bool:
    """Return True if the certificate is valid for the identity.

    `key` makes identities of one station equal.
    """
    if isinstance(identify, str):
        return identify == "any" or key(identity) in map(key, _names(certificate))
    owners = [identify[name] for name in common_names(certificate) if name in identify]
    return key(identity) in map(key, owners)


def _is_good(answer: object, identity: str, key: Callable[[str], str]) -> bool:
    """Return True if the result of the application's function confirms the identity.

    Raises TypeError for a bad type.
    """
    if isinstance(answer, str):
        return key(answer) == key(identity)
    if answer is None or isinstance(answer, bool):
        return answer is True
    raise TypeError(f"expected identify to return bool, an identity or None, got {type(answer).__name__}")


def refuse_without_certificate(candidate: Candidate) -> Reject:
    """Refuse a station that shows no certificate."""
    candidate.cause = Cause("bad_credentials", "no client certificate")
    return refuse(401, "Unauthorized")


def describe(candidate: Candidate) -> str:
    """Return the first name of the certificate of a candidate for a log, quoted and bounded."""
    certificate = candidate.handshake.client_certificate or {}
    return repr(next(_names(certificate), "")[:_SHOWN])


def _names(certificate: Certificate) -> Iterator[str]:
    yield from filter(None, common_names(certificate))
    yield from _alternative_names(certificate)


def common_names(certificate: Certificate) -> Iterator[str]:
    """Iterate over the CNs of a certificate, as `getpeercert` returns it."""
    return (value for part in certificate.get("subject", ()) for name, value in part if name == "commonName")


def _alternative_names(certificate: Certificate) -> Iterator[str]:
    """Iterate over the DNS names, addresses, URIs and registered IDs that `getpeercert` returns as text."""
    entries = certificate.get("subjectAltName", ())
    return (value for _, value in entries if isinstance(value, str) and value not in _UNREADABLE)
