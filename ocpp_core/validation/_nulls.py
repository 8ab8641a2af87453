"""Remove members such as `"info": null` if the schema of a message does not allow `null`.

Some stations write `null` for every unused member. Only the schema decides which nulls are meaningless: in a vendor's
data, for example, they may have a meaning and are kept.
"""

from typing import Any

from ._bundles import Schema
from ._explain import Search

__all__ = ["without_nulls"]


def without_nulls(document: Schema, payload: Any, *, formats: bool) -> Any:
    """Return a copy of a payload without the members that are null and must not be.

    Only members of objects are removed, not elements of arrays. Never raises: a payload that is nested too deeply is
    returned unchanged.
    """
    try:
        return _Reader(document, formats=formats).read(document, payload)
    except Exception:  # too deep for the interpreter, or a bad schema: refused in any case
        return payload


class _Reader:
    """A copier of payloads that follows the schema."""

    def __init__(self, document: Schema, *, formats: bool) -> None:
        self._search = Search(document, formats=formats)
        self._allowed: dict[int, bool] = {}  # by `id` of the schema: an array may have many objects

    def read(self, schema: Any, value: Any) -> Any:
        if not isinstance(schema, dict):
            return value
        if "$ref" in schema:
            return self.read(self._search.resolve(schema["$ref"]), value)
        if isinstance(value, dict):
            value = self._members(schema, value)
        elif isinstance(value, list):
            value = self._elements(schema.get("items"), value)
        for part in schema.get("allOf", ()):
            value = self.read(part, value)
        return value

    def _members(self, schema: Schema, value: dict[str, Any]) -> dict[str, Any]:
        properties = schema.get("properties", {})
        others = True if "patternProperties" in schema else schema.get("additionalProperties", True)
        kept = {}
        for name, item in value.items():
            wanted = properties.get(name, others)
            if item is not None:
                kept[name] = self.read(wanted, item)
            elif self._allows_null(wanted):
                kept[name] = None
        return kept

    def _allows_null(self, schema: Any) -> bool:
        if id(schema) not in self._allowed:
            self._allowed[id(schema)] = schema is not False and self._search.search(schema, None) is None
        return self._allowed[id(schema)]

    def _elements(self, items: Any, value: list[Any]) -> list[Any]:
        if isinstance(items, list):
            return [self.read(part, item) for part, item in zip(items, value, strict=False)] + value[len(items) :]
        return [self.read(items, item) for item in value]
