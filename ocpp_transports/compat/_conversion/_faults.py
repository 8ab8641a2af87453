"""The first fault of a refused payload, and the error that it becomes.

OCPP does not define which fault has which code, nor which of several faults is reported. The programs of this interface
know the codes below and the order of the OCA's schema files: unknown properties first in OCPP 2.x and in the messages
of the security extension of 1.6, last but for missing ones in the other messages of 1.6.
"""

from collections.abc import Mapping
from typing import Any, Final

from ocpp_core.config import Kind
from ocpp_core.validation._explain import Broken, Search, describe_broken
from ocpp_transports.compat.exceptions import (
    FormatViolationError,
    OCPPError,
    ProtocolError,
    TypeConstraintViolationError,
)

__all__ = ["error_of"]

_ERRORS: Final[Mapping[str, type[OCPPError]]] = {
    "type": TypeConstraintViolationError,
    "maxLength": TypeConstraintViolationError,
    "required": ProtocolError,
}
_SECURITY_EXTENSION: Final = frozenset(
    {
        "CertificateSigned",
        "DeleteCertificate",
        "ExtendedTriggerMessage",
        "GetInstalledCertificateIds",
        "GetLog",
        "InstallCertificate",
        "LogStatusNotification",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "SignedUpdateFirmware",
    }
)
# The request of CertificateSigned has the order of the other messages.
_OF_OTHER_ORDER: Final = ("call", "CertificateSigned")


class _OrderedSearch(Search):
    """A search for the fault that comes first in the order of the OCA's schema files."""

    def __init__(self, document: Mapping[str, Any], *, unknown_first: bool) -> None:
        super().__init__(dict(document), formats=False)
        self._unknown_first = unknown_first

    def _search_object(self, schema: Mapping[str, Any], value: dict[object, object]) -> Broken | None:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        unknown = self._search_others(others, {name: value[name] for name in value if name not in properties})
        if unknown and self._unknown_first:
            return unknown
        for name, wanted in properties.items():
            if name in value and (broken := self.search(wanted, value[name])):
                return broken.below(name)
        if unknown:
            return unknown
        missing = next((name for name in schema.get("required", ()) if name not in value), None)
        return None if missing is None else Broken("required", missing, "nothing", f"{missing} is missing")


def error_of(document: Mapping[str, Any], kind: Kind, message: Any, payload: object, *, is_v16: bool) -> OCPPError:
    """Return the error for the payload of a `Call` or `CallResult` that its schema refuses.

    The `cause` in its details contains no value of the payload. `ocpp_message` is the message itself.

    Args:
        document: the schema.
        kind: the type of the message.
        message: the message.
        payload: its payload, with floats in place of Decimals.
        is_v16: True for OCPP 1.6.
    """
    is_extension = message.action in _SECURITY_EXTENSION and (kind, message.action) != _OF_OTHER_ORDER
    try:
        search = _OrderedSearch(document, unknown_first=is_extension or not is_v16)
        broken = search.search(document, payload)
    except Exception:  # too large or too deep to search, or not JSON: refused in any case
        broken = None
    if broken is None:
        return FormatViolationError(details={"cause": "payload violates its schema", "ocpp_message": message})
    details: dict[str, Any] = {"cause": describe_broken(broken)}
    error = _ERRORS.get(broken.keyword, FormatViolationError)
    if error is not ProtocolError:
        details["ocpp_message"] = message
    return error(details=details)
