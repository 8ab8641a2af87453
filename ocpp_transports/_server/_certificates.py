"""Whether a station's certificate vouches for the identity in its URL: security profile 3.

The CN of a station's certificate is its serial number (security whitepaper for 1.6 and OCPP 2.x Part 2, A00.FR.405),
which may or may not be its identity. Without a rule that joins the two, every certificate of the CA would do for every
station.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from ocpp_transports.handshake import Certificate

__all__ = ["describe", "is_vouched_for", "verdict"]

_UNREADABLE: Final = frozenset({"<unsupported>", "<invalid>"})
"""What `getpeercert` writes for a subjectAltName that it cannot show."""
_SHOWN: Final = 64


def is_vouched_for(
    identify: Literal["exact", "any"] | Mapping[str, str],
    certificate: Certificate,
    identity: str,
    key: Callable[[str], str],
) -> bool:
    """Return True if the certificate is good for the identity; `key` makes identities of one station equal."""
    if isinstance(identify, str):
        return identify == "any" or key(identity) in map(key, _names(certificate))
    owners = [identify[name] for name in _common_names(certificate) if name in identify]
    return key(identity) in map(key, owners)


def verdict(answer: object, identity: str, key: Callable[[str], str]) -> bool:
    """Read what a function of the application returned. Raises TypeError for what is no answer."""
    if isinstance(answer, str):
        return key(answer) == key(identity)
    if answer is None or isinstance(answer, bool):
        return answer is True
    raise TypeError(f"expected identify to return bool, an identity or None, got {type(answer).__name__}")


def describe(certificate: Certificate) -> str:
    """Return the first name of a certificate for a log, quoted and bounded."""
    return repr(next(_names(certificate), "")[:_SHOWN])


def _names(certificate: Certificate) -> Iterator[str]:
    yield from filter(None, _common_names(certificate))
    yield from _alternative_names(certificate)


def _common_names(certificate: Certificate) -> Iterator[str]:
    return (value for part in certificate.get("subject", ()) for name, value in part if name == "commonName")


def _alternative_names(certificate: Certificate) -> Iterator[str]:
    """Iterate over what `getpeercert` gives as text: DNS names, addresses, URIs, registered ids."""
    entries = certificate.get("subjectAltName", ())
    return (value for _, value in entries if isinstance(value, str) and value not in _UNREADABLE)
