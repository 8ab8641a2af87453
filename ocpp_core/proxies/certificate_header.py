"""The client certificate that a TLS-terminating proxy passes on in a header field.

Forms that are read: PEM with percent escapes (nginx: `$ssl_client_escaped_cert`), DER in base64 (HAProxy:
`ssl_c_der,base64`), and the same between colons (RFC 9440).
"""

import re
from binascii import a2b_base64
from typing import Final
from urllib.parse import unquote_to_bytes

__all__ = ["certificate_in", "is_verified"]

_MAX_LENGTH: Final = 16384
"""Characters of the field; RSA certificates of 4096 bits have about 2,500."""
_PEM: Final = re.compile(rb"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")
_VERIFIED: Final = frozenset({"SUCCESS", "0"})
"""`$ssl_client_verify` of nginx, and `ssl_c_verify` of HAProxy."""


def is_verified(value: str | None) -> bool:
    """Return True if a proxy states that it verified the certificate."""
    return value in _VERIFIED


def certificate_in(value: str) -> bytes:
    """Return the certificate in a header field as DER, not yet parsed.

    Raises ValueError for any other text, and for more than one certificate.
    """
    if len(value) > _MAX_LENGTH:
        raise ValueError(f"expected a certificate of at most {_MAX_LENGTH} characters")
    text = unquote_to_bytes(value)
    if text.lstrip().startswith(b"-----"):
        found = _PEM.fullmatch(text)
        if found is None:
            raise ValueError("expected one certificate in PEM")
        return _decoded(b"".join(found[1].split()))
    return _decoded(text[1:-1] if text.startswith(b":") and text.endswith(b":") else text)


def _decoded(text: bytes) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError:
        raise ValueError("expected a certificate in base64") from None
