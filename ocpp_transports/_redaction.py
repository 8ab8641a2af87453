"""What must not reach a log: passwords, keys, id tokens, certificates (security whitepaper A01.FR.09 and .12)."""

import re
from typing import Any, Final

__all__ = ["REDACTED", "redact"]

REDACTED: Final = "***"

# The fields of the OCA schemas that hold an id token, a certificate or what proves an identity; lower case, because
# vendors vary it.
_SECRET_FIELDS: Final = frozenset(
    {
        "idtag",
        "parentidtag",
        "idtoken",
        "additionalidtoken",
        "idtokens",
        "certificate",
        "certificatechain",
        "signingcertificate",
        "csr",
        "exirequest",
        "exiresponse",
        "simpin",
    }
)
_SECRET_NAME: Final = re.compile(r"password|passphrase|secret|authorizationkey|privatekey", re.IGNORECASE)
# Where the value of a configuration key (1.6) or variable (2.x) stands.
_VALUE_FIELDS: Final = frozenset({"value", "attributeValue", "actualValue"})


def redact(value: Any) -> Any:
    """Copy a payload with every secret replaced; names, types and structure stay."""
    return _redact(value, secret=False)


def _redact(value: Any, *, secret: bool) -> Any:
    if isinstance(value, dict):
        hidden = _hidden_fields(value)
        return {name: _redact(item, secret=name in hidden or _is_secret(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redact(item, secret=secret) for item in value]
    return REDACTED if secret and value is not None else value


def _is_secret(name: object) -> bool:
    return isinstance(name, str) and (name.lower() in _SECRET_FIELDS or _SECRET_NAME.search(name) is not None)


def _hidden_fields(fields: dict[str, Any]) -> frozenset[str]:
    """Name the fields that are secret here only: a setting's value by the setting's name, and the key of a VPN."""
    variable = fields.get("variable")
    setting = variable.get("name") if isinstance(variable, dict) else fields.get("key")
    if isinstance(setting, str) and _SECRET_NAME.search(setting):
        return _VALUE_FIELDS
    return frozenset({"key"}) if "server" in fields else frozenset()
