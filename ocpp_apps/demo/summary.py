"""A summary of a payload in a few words."""

from collections.abc import Iterator
from typing import Any, Final

from ocpp_transports._logging._redaction import redact

__all__ = ["joined", "summarize"]

_TELLING: Final = frozenset(
    {
        "attributeStatus",
        "attributeValue",
        "connectorStatus",
        "eventType",
        "interval",
        "key",
        "reason",
        "status",
        "type",
        "value",
        "v",
    }
)
_METER: Final = frozenset({"meterStart", "meterStop"})
_DULL: Final = frozenset({"customData", "idToken", "statusInfo"})
_MOST: Final = 4


def summarize(payload: Any) -> list[str]:
    """Return the most significant values of a payload, without its secrets."""
    return list(_words(redact(payload)))


def joined(words: list[str]) -> str:
    """Join a few of the words."""
    return ", ".join(words[:_MOST] + (["..."] if len(words) > _MOST else []))


def _words(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _words(item)
    elif isinstance(node, dict):
        unit = _unit_of(node)
        for name, value in node.items():
            yield from _field(name, value, unit)


def _unit_of(sampled: dict[str, Any]) -> str:
    """Return the unit of a sampled value, from the member of 1.6 or of 2.x, or "" without one."""
    of_2 = sampled.get("unitOfMeasure")
    unit = of_2.get("unit") if isinstance(of_2, dict) else sampled.get("unit")
    return f" {unit}" if isinstance(unit, str) else ""


def _field(name: str, value: Any, unit: str) -> Iterator[str]:
    if name in _DULL:
        return
    if name == "variable" and isinstance(value, dict):
        yield str(value.get("name"))
    elif isinstance(value, (dict, list)):
        yield from _words(value)
    elif name in _METER:
        yield f"{value} Wh"
    elif name in _TELLING:
        yield f"{value}{unit if name == 'value' else ''}"
