"""The station's certificate in the TLS extension of ASGI.

Source: the TLS Extension of ASGI 0.2. Few ASGI servers offer it. It writes names as in RFC 4514.
"""

import re
from collections.abc import Mapping
from ssl import PEM_cert_to_DER_cert
from typing import Any, Final

from ocpp_core.admission.pins import fingerprint_of

__all__ = ["certificate_of", "fingerprint_in"]

_NAMES: Final = {
    "CN": "commonName",
    "2.5.4.3": "commonName",
    "O": "organizationName",
    "2.5.4.10": "organizationName",
}
# An attribute: a type, `=`, and a value in which the special characters of RFC 4514 §2.4 are escaped. An unescaped one
# makes the name unreadable: it may be quoted in an older way. `#` begins a hexadecimal form, which names no station.
_ATTRIBUTE: Final = re.compile(r'\s*([A-Za-z][A-Za-z0-9-]*|[0-9.]+)\s*=((?:\\.|[^\\,+"<>;])*)(?:[,+]|\Z)', re.DOTALL)
_ESCAPES: Final = re.compile(r"((?:\\[0-9A-Fa-f]{2})+)|\\(.)", re.DOTALL)


def certificate_of(supervisor: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return CN and O of the verified client certificate in the form of `getpeercert`; None without a CN.

    A certificate that the ASGI server could not verify (`client_cert_error`) counts as none.
    """
    extension = (supervisor.get("extensions") or {}).get("tls") or {}
    name = extension.get("client_cert_name")
    if not isinstance(name, str) or extension.get("client_cert_error"):
        return None
    names = _names(name)
    has_name = any(kind == "commonName" for kind, _ in names)
    return {"subject": tuple((each,) for each in names)} if has_name else None


def fingerprint_in(supervisor: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 fingerprint of the verified client certificate; None if the ASGI server does not pass it."""
    extension = (supervisor.get("extensions") or {}).get("tls") or {}
    chain = extension.get("client_cert_chain") or ()
    try:
        return fingerprint_of(PEM_cert_to_DER_cert(chain[0])) if chain else None
    except (TypeError, ValueError):
        return None


def _names(name: str) -> list[tuple[str, str]]:
    """Return CN and O of a distinguished name; none if the name is not well-formed."""
    found, at = [], 0
    while at < len(name):
        attribute = _ATTRIBUTE.match(name, at)
        if attribute is None:
            return []
        at = attribute.end()
        kind = _NAMES.get(attribute[1].upper())
        if kind is not None and not attribute[2].lstrip().startswith("#"):
            found.append((kind, _unescaped(attribute[2])))
    return found


def _unescaped(value: str) -> str:
    """Undo the escapes, and strip blanks around a value unless they are escaped (RFC 4514 §4)."""
    bare = re.sub(r"(?<!\\) +\Z", "", value.lstrip(" "))
    return _ESCAPES.sub(_character, bare)


def _character(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[2]
    return bytes.fromhex(escape[1].replace("\\", "")).decode(errors="replace")
