"""Further checks of a station's certificate: its organization (A00.FR.404), and pinned fingerprints."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import field
from functools import partial
from typing import Final, TypeAlias

from ocpp_core._dataclasses import dataclass
from ocpp_core.inputs import Reject

from .certificates import describe, refuse_without_certificate
from .step import Ask, Candidate, Cause, Verdict, refuse

__all__ = ["CheckOrganization", "CheckPin", "Pin", "Pins", "fingerprint_of", "normal_fingerprint"]

Pin: TypeAlias = str | Collection[str]
"""The SHA-256 fingerprint of a certificate in hexadecimal, with or without colons; or several."""

Pins: TypeAlias = Mapping[str, Pin] | Callable[[str], "Pin | Awaitable[Pin | None] | None"]
"""Fingerprints by identity: a mapping, or a function or coroutine function. None for an unknown identity."""

_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


def fingerprint_of(certificate: bytes) -> str:
    """Return the SHA-256 fingerprint of a DER certificate, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(certificate).hexdigest()


def normal_fingerprint(text: str) -> str:
    """Return a fingerprint in the form of `fingerprint_of`.

    Raises ValueError unless it has 64 hexadecimal digits, TypeError unless it is a str.
    """
    if not isinstance(text, str):
        raise TypeError(f"expected a fingerprint as str, got {type(text).__name__}")
    normal = text.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(normal):
        raise ValueError(f"expected a SHA-256 fingerprint of 64 hexadecimal digits, got {text!r}")
    return normal


@dataclass(frozen=True, slots=True)
class CheckOrganization:
    """The step that requires one of these organizations (O) in the certificate; 401 otherwise.

    Source: OCPP 2.x Part 2 A00.FR.404, security whitepaper for 1.6. A station without a certificate is refused too.
    """

    organizations: frozenset[str]

    def __call__(self, candidate: Candidate) -> Verdict:
        """Compare the certificate's organization names with those of the server."""
        certificate = candidate.handshake.client_certificate
        if certificate is None:
            return refuse_without_certificate(candidate)
        return Ask("certificate_organization", self._is_ours, (certificate,), partial(self._judge, candidate))

    def _is_ours(self, certificate: Mapping[str, object]) -> bool:
        subject: object = certificate.get("subject", ())
        parts = subject if isinstance(subject, tuple) else ()
        return any(name == "organizationName" and value in self.organizations for part in parts for name, value in part)

    def _judge(self, candidate: Candidate, is_ours: object) -> Reject | None:
        if is_ours is True:
            return None
        detail = f"the certificate of {describe(candidate)} names another organization"
        candidate.cause = Cause("certificate_mismatch", detail)
        return refuse(401, "Unauthorized")


@dataclass(frozen=True, slots=True)
class CheckPin:
    """The step that requires the certificate pinned for the identity; 401 for any other, and for one without a pin."""

    pins: "Callable[[str], Pin | Awaitable[Pin | None] | None]" = field(repr=False)

    def __call__(self, candidate: Candidate) -> Verdict:
        """Return the question for the pinned fingerprints of the identity."""
        identity = candidate.handshake.identity
        if not identity:
            return None  # `auth` names the station, and the step runs again
        if candidate.handshake.certificate_fingerprint is None:
            return refuse_without_certificate(candidate)
        return Ask("certificate_pins", self.pins, (identity,), partial(_compare, candidate))


def _compare(candidate: Candidate, pinned: Pin | None) -> Reject | None:
    """Refuse a certificate that is not pinned. Raises the errors of `normal_fingerprint`."""
    shown = candidate.handshake.certificate_fingerprint or ""
    allowed = () if pinned is None else (pinned,) if isinstance(pinned, str) else pinned
    if shown in map(normal_fingerprint, allowed):
        return None
    detail = f"the certificate of {describe(candidate)} is not pinned for this identity (SHA-256 {shown})"
    candidate.cause = Cause("certificate_mismatch", detail)
    return refuse(401, "Unauthorized")
