"""Redacts passwords, keys, ID tokens and certificates for logs (security whitepaper A01.FR.09 and .12)."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from ._redaction_text import REDACTED, hide_in_text, is_secret_name

__all__ = [
    "REDACTED",
    "SETTING_FIELDS",
    "VALUE_FIELDS",
    "is_secret_field",
    "is_secret_setting",
    "redact",
    "safe_repr",
]

_MAX_DEPTH: Final = 64
"""Levels of a payload that are shown; OCPP needs ten, a cyclic payload has no end."""
_MAX_VALUES: Final = 20_000
"""Values of a payload that are shown: each takes some 15 µs to search, and the event loop waits for it."""

# The fields of the OCA schemas that hold an ID token, a certificate or proof of an identity; lower case, because
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
_ID_TOKENS: Final = frozenset({"idtoken", "additionalidtoken"})
SETTING_FIELDS: Final = frozenset({"key", "name", "variable", "variablename", "parameter"})
"""Fields with the name of a configuration key (1.6) or variable (2.x), in the schemas or of vendors."""
VALUE_FIELDS: Final = frozenset({"value", "attributevalue", "actualvalue", "defaultvalue", "data"})
"""Fields with the value of the setting that is named beside them."""
_ATTRIBUTES: Final = "variableattribute"
"""The list of NotifyReport whose items hold the values of the variable beside it."""


def redact(value: Any) -> Any:
    """Return a copy of a payload with every secret replaced; names, types and structure stay.

    A secret is detected by the name of its field or setting. In texts it is detected by its form: credentials in URLs,
    secret fields of JSON within a text, private keys. Values nested too deep or too large to search are replaced as a
    whole. Never raises for values that JSON can represent.
    """
    return _Redaction().of(value, _MAX_DEPTH)


def safe_repr(instance: Any) -> str:
    """Return the representation of a dataclass with the secrets in its fields replaced."""
    shown = (f"{each.name}={_shown(getattr(instance, each.name))}" for each in fields(instance) if each.repr)
    return f"{type(instance).__qualname__}({', '.join(shown)})"


def _shown(value: Any) -> str:
    return repr(redact(value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else value))


class _Redaction:
    """One copy of a payload; counts what it copies."""

    def __init__(self) -> None:
        self._left = _MAX_VALUES

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth <= 0 or self._exceeds(value):
            return REDACTED
        if isinstance(value, str):
            return self._text(value, depth)
        if isinstance(value, Mapping):
            return self._mapping(value, depth - 1)
        if isinstance(value, (list, tuple)):
            return [self.of(item, depth - 1) for item in value]
        return value

    def _exceeds(self, value: Any) -> bool:
        """Return True if there are more values than may still be copied; then none of them is looked at."""
        return self._left <= 0 or (isinstance(value, (Mapping, list, tuple)) and len(value) > self._left)

    def _text(self, text: str, depth: int) -> str:
        return hide_in_text(text, lambda held: self.of(held, depth - 1))

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
        hidden = _hidden_fields(value)
        copied: dict[Any, Any] = {}
        for name, item in value.items():
            low = _lower(name)
            shown = self._text(name, depth) if isinstance(name, str) else name
            if low in hidden or is_secret_field(low):
                copied[shown] = self._secret(item, depth)
            elif low == _ATTRIBUTES and hidden >= VALUE_FIELDS:
                copied[shown] = self._attributes(item, depth)
            else:
                copied[shown] = self.of(item, depth)
        return copied

    def _attributes(self, attributes: Any, depth: int) -> Any:
        """Copy the attributes of a secret variable without their values."""
        if not isinstance(attributes, (list, tuple)):
            return self._secret(attributes, depth)
        return [
            {
                name: self._secret(item, depth) if _lower(name) in VALUE_FIELDS else self.of(item, depth)
                for name, item in attribute.items()
            }
            if isinstance(attribute, Mapping)
            else self._secret(attribute, depth)
            for attribute in attributes
        ]

    def _secret(self, value: Any, depth: int) -> Any:
        """Replace every value below, except None, bools, and the type of an ID token."""
        self._left -= 1
        if value is None or isinstance(value, bool):
            return value
        if depth <= 0 or self._exceeds(value):
            return REDACTED
        if isinstance(value, Mapping):
            names = {_lower(name) for name in value}
            shown = "type" if names & _ID_TOKENS else None
            return {
                name: self.of(item, depth - 1) if _lower(name) == shown else self._secret(item, depth - 1)
                for name, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._secret(item, depth - 1) for item in value]
        return REDACTED


def _lower(name: object) -> str:
    return name.lower() if isinstance(name, str) else ""


def is_secret_field(low: str) -> bool:
    """Return True if a field of this name, in lower case, holds a secret."""
    return low in _SECRET_FIELDS or is_secret_name(low)


def _hidden_fields(mapping: Mapping[Any, Any]) -> frozenset[str]:
    """Return the fields that are secret only here: the value of a secret setting, and the key of a VPN."""
    names = {_lower(name): item for name, item in mapping.items()}
    for field in SETTING_FIELDS & names.keys():
        item = names[field]
        if is_secret_setting(item.get("name") if isinstance(item, Mapping) else item):
            return VALUE_FIELDS
    return frozenset({"key"}) if "server" in names else frozenset()


def is_secret_setting(name: object) -> bool:
    """Return True if a setting is secret, also by the end of its name, such as VpnKey, SimPin, FreeVendIdTag."""
    low = _lower(name)
    if low.endswith("key"):
        return not low.endswith("publickey")
    return is_secret_name(low) or low.endswith(tuple(_SECRET_FIELDS))
