"""The two string formats of the OCPP schemas, as patterns that take linear time on any text."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["FORMATS"]

# RFC 3339 §5.6, including its appendix C: a day must exist in its month, 29 February in its year. Second 60 is a
# leap second. An offset is required, so the local times that some stations send are refused. `[0-9]` because `\d`
# matches the digits of every script.
_DAYS_31 = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
_DAYS_30 = "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_DAYS_28 = "02-(?:0[1-9]|1[0-9]|2[0-8])"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DATE = f"(?:[0-9]{{4}}-(?:{_DAYS_31}|{_DAYS_30}|{_DAYS_28})|{_LEAP_YEAR}-02-29)"
_HOUR_MINUTE = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_DATE_TIME = rf"{_DATE}[Tt]{_HOUR_MINUTE}:(?:[0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|[+-]{_HOUR_MINUTE})\Z"

# RFC 3986 §3: a scheme, then the permitted characters and percent-encoded octets, and at most one fragment. `*+` does
# not backtrack, so a late invalid character costs no second attempt. `_rust` relies on `*+` having no other meaning.
_URI_CHAR = r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()+*,;=]|%[0-9A-Fa-f]{2})"
_URI = rf"[A-Za-z][A-Za-z0-9+.\-]*:{_URI_CHAR}*+(?:#{_URI_CHAR}*+)?\Z"

FORMATS: Final[Mapping[str, str]] = MappingProxyType({"date-time": _DATE_TIME, "uri": _URI})
"""JSON Schema format name -> regular expression for a match at the start of the text."""
