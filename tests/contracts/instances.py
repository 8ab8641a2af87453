"""Make payloads from a JSON schema: valid ones, and ones that break exactly one rule.

It knows the keywords that the OCPP schemas use, and raises KeyError for a type it does not know.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

_FORMATS = {"date-time": "2025-03-30T12:00:00.123+02:00", "uri": "https://example.com/a?b=c"}
_WRONG_TYPES: dict[str, tuple[Any, ...]] = {
    "object": (None, "text", []),
    "array": (None, {}, "text"),
    "string": (None, 5, False, ["text"]),
    "boolean": (None, 0, "true"),
    "integer": (None, "1", 1.5, True),
    "number": (None, "1", True),
}
UNKNOWN = "unknownProperty"


class Change(NamedTuple):
    """A value to put at a path of a payload; `keyword` is the one rule that breaks, None if none does."""

    path: tuple[str | int, ...]
    keyword: str | None
    value: Any

    def apply(self, payload: Any) -> Any:
        return _replaced(payload, self.path, self.value)

    @property
    def where(self) -> str:
        return "payload" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)


def _replaced(node: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    copy: Any = list(node) if isinstance(node, list) else dict(node)
    copy[path[0]] = _replaced(node[path[0]], path[1:], value)
    return copy


class Instances:
    """The payloads of one message, given its schema with the definitions it refers to."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._draft4 = "draft-04" in document["$schema"]

    def minimal(self) -> Any:
        """Return a valid payload of the required properties."""
        return self._make(self._document, "", full=False)

    def full(self) -> Any:
        """Return a valid payload of all properties."""
        return self._make(self._document, "", full=True)

    def changes(self, payload: Any) -> Iterator[Change]:
        """Yield, for every value that is there, each edge it may take and each rule it may break."""
        return self._changes(self._document, payload, ())

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self._document["definitions"][schema["$ref"].removeprefix("#/definitions/")]
        return schema

    def _make(self, schema: dict[str, Any], name: str, *, full: bool) -> Any:
        schema = self._resolved(schema)
        if "type" not in schema:
            return {"any": [1, None]}
        if "enum" in schema:
            return schema["enum"][0]
        return getattr(self, f"_make_{schema['type']}")(schema, name, full=full)

    def _make_object(self, schema: dict[str, Any], name: str, *, full: bool) -> Any:
        properties = schema.get("properties", {})
        names = properties if full else schema.get("required", ())
        made = {name: self._make(properties[name], name, full=full) for name in names}
        if full and schema.get("additionalProperties", True) is not False:
            made[UNKNOWN] = 1
        return made

    def _make_array(self, schema: dict[str, Any], name: str, *, full: bool) -> Any:
        return [self._make(schema["items"], name, full=full)] * max(1, schema.get("minItems", 1))

    def _make_string(self, schema: dict[str, Any], name: str, *, full: bool) -> Any:
        return _FORMATS[schema["format"]] if "format" in schema else name[: schema.get("maxLength")]

    def _make_integer(self, schema: dict[str, Any], name: str, *, full: bool) -> Any:
        return min(max(1, schema.get("minimum", 1)), schema.get("maximum", 1))

    def _make_number(self, schema: dict[str, Any], name: str, *, full: bool) -> Any:
        return min(max(1.5, schema.get("minimum", 1.5)), schema.get("maximum", 1.5))

    def _make_boolean(self, schema: dict[str, Any], name: str, *, full: bool) -> Any:
        return False

    def _changes(self, schema: dict[str, Any], value: Any, path: tuple[str | int, ...]) -> Iterator[Change]:
        schema = self._resolved(schema)
        if "type" not in schema:
            yield Change(path, None, None)
            return
        for wrong in _WRONG_TYPES[schema["type"]]:
            yield Change(path, "type", wrong)
        for keyword, edge, beyond in self._bounds(schema, value):
            if edge is not None:
                yield Change(path, None, edge)
            yield Change(path, keyword, beyond)
        if isinstance(value, dict):
            yield from self._changes_of_object(schema, value, path)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._changes(schema["items"], item, (*path, index))

    def _changes_of_object(
        self, schema: dict[str, Any], value: dict[str, Any], path: tuple[str | int, ...]
    ) -> Iterator[Change]:
        for name in schema.get("required", ()):
            yield Change(path, "required", {key: item for key, item in value.items() if key != name})
        closed = schema.get("additionalProperties", True) is False
        yield Change(path, "additionalProperties" if closed else None, {**value, UNKNOWN: 1})
        for name, part in schema.get("properties", {}).items():
            if name in value:
                yield from self._changes(part, value[name], (*path, name))

    def _bounds(self, schema: dict[str, Any], value: Any) -> Iterator[tuple[str | None, Any, Any]]:
        """Yield keyword, a value at the edge of what it allows (None: there is none) and one beyond."""
        if schema["type"] == "integer":
            yield ("type", None, 1.0) if self._draft4 else (None, None, float(value))
        for keyword, limit in schema.items():
            if bounds := getattr(self, f"_bounds_{keyword}", None):
                yield keyword, *bounds(limit, value)

    def _bounds_enum(self, limit: Any, value: Any) -> Any:
        return limit[-1], limit[0] + "?"

    def _bounds_format(self, limit: Any, value: Any) -> Any:
        return None, f"no {limit}"

    def _bounds_maxLength(self, limit: Any, value: Any) -> Any:  # noqa: N802 - named by the keyword
        return "ü" * limit, "x" * (limit + 1)

    def _bounds_minimum(self, limit: Any, value: Any) -> Any:
        return limit, limit - 1

    def _bounds_maximum(self, limit: Any, value: Any) -> Any:
        return limit, limit + 1

    def _bounds_multipleOf(self, limit: Any, value: Any) -> Any:  # noqa: N802 - named by the keyword
        return 16.0, limit / 2

    def _bounds_minItems(self, limit: Any, value: Any) -> Any:  # noqa: N802 - named by the keyword
        return value[:1] * limit, value[:1] * (limit - 1)

    def _bounds_maxItems(self, limit: Any, value: Any) -> Any:  # noqa: N802 - named by the keyword
        return value[:1] * limit, value[:1] * (limit + 1)
