"""The supported drafts of JSON Schema, 04, 06 and 07, and the limits of the support.

A schema that would be misinterpreted is refused when its validator is made, not at the first message.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ._bundles import Schema
from ._explain import resolve

__all__ = ["DEFAULT_DRAFT", "for_compiler", "problem_of", "references"]

DEFAULT_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_DRAFTS: Final = ("draft-04", "draft-06", "draft-07")
_ANNOTATIONS: Final = frozenset({"default", "examples"})
_VALUES: Final = _ANNOTATIONS | {"const", "enum"}
"""Keywords that contain values of the payload, in which `$ref`, `$id` and `const` are ordinary names."""
_NAMED: Final = frozenset({"definitions", "dependencies", "patternProperties", "properties"})
"""Keywords that contain schemas by name; the names may be equal to keywords."""
_OF_THE_SAME_VALUE: Final = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
"""Keywords whose schemas apply to the value itself, not to a part of it."""


def problem_of(document: Schema) -> str | None:
    """Return why a schema would be misinterpreted, or is not self-contained.

    None if it can be used.
    """
    draft = document["$schema"]
    if not isinstance(draft, str) or not any(name in draft for name in _DRAFTS):
        return f"expected $schema of {', '.join(_DRAFTS)} or none, got {draft!r}"
    for ref in references(document):
        try:
            resolve(document, ref)
        except ValueError as error:
            return str(error)
    if any(map(_rebases, _parts(document))):
        return "expected $id only at the root of a schema, got one below it that changes the base of a $ref"
    ended: set[int] = set()
    if any(_is_endless(document, schema, frozenset(), ended) for schema in _schemas(document)):
        return "expected $ref to a schema of a part of the value, got one that refers to itself for the same value"
    return next(filter(None, (_problem_of_bounds(schema, draft) for schema in _schemas(document))), None)


def references(schema: object) -> Iterator[str]:
    """Iterate over every `$ref` of a schema, at any depth."""
    return (ref for node in _schemas(schema) if isinstance(ref := node.get("$ref"), str))


def _schemas(schema: object) -> Iterator[Schema]:
    """Iterate over a schema and all schemas within it."""
    nodes = [schema]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            yield node
            nodes.extend(_parts(node))
        elif isinstance(node, list):
            nodes.extend(node)


def _is_endless(document: Schema, schema: Any, around: frozenset[int], ended: set[int]) -> bool:
    """Return True if a schema refers to itself for the same value.

    `ended` are schemas known not to.
    """
    if isinstance(schema, list):
        return any(_is_endless(document, part, around, ended) for part in schema)
    if not isinstance(schema, dict) or id(schema) in ended:
        return False
    if id(schema) in around:
        return True
    ref = schema.get("$ref")
    inner = [resolve(document, ref)] if isinstance(ref, str) else map(schema.get, _OF_THE_SAME_VALUE)
    if any(_is_endless(document, part, around | {id(schema)}, ended) for part in inner):
        return True
    ended.add(id(schema))
    return False


def _problem_of_bounds(schema: Schema, draft: str) -> str | None:
    """Return the bound that the compiler would misinterpret, or None; it reads True as 1, and divides by 0."""
    is_old = "draft-04" in draft
    for name in ("exclusiveMaximum", "exclusiveMinimum"):
        if name in schema and isinstance(schema[name], bool) is not is_old:
            return f"expected {name} as a {'boolean' if is_old else 'number'} in this draft, got {schema[name]!r}"
    factor = schema.get("multipleOf", 1)
    return None if isinstance(factor, (int, float)) and factor > 0 else f"expected multipleOf > 0, got {factor!r}"


def for_compiler(document: Schema) -> Schema:
    """Return a copy of a schema with only the keywords that the compiler supports.

    The compiler may modify it. fastjsonschema cannot compile `const` without its detailed exceptions. An `enum` with
    one member is equivalent; it is put into `allOf` so that it does not replace another `enum`. In draft 04 `const` is
    not a keyword.
    """
    spelled: Schema = _spelled(document, has_const="draft-04" not in document["$schema"])
    return spelled


def _spelled(node: Any, *, has_const: bool) -> Any:
    if isinstance(node, list):
        return [_spelled(item, has_const=has_const) for item in node]
    if not isinstance(node, dict):
        return node
    copy: Schema = {}
    for key, value in node.items():
        if key in _NAMED and isinstance(value, dict):
            copy[key] = {name: _spelled(part, has_const=has_const) for name, part in value.items()}
        elif key not in _ANNOTATIONS:
            copy[key] = value if key in _VALUES else _spelled(value, has_const=has_const)
    if has_const and "const" in copy:
        copy["allOf"] = [*copy.get("allOf", ()), {"enum": [copy.pop("const")]}]
    return copy


def _parts(schema: Mapping[str, Any]) -> Iterator[Any]:
    """Iterate over the parts of a schema, including named schemas but not values."""
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            yield from value.values()
        elif key not in _VALUES:
            yield value


def _rebases(node: object) -> bool:
    """Return True if an `$id` below the root changes the base of a `$ref`."""
    if isinstance(node, list):
        return any(map(_rebases, node))
    if not isinstance(node, dict):
        return False
    if "$ref" not in node and any(_is_address(node.get(name)) for name in ("$id", "id")):
        return any(True for _ in references(node))
    return any(map(_rebases, _parts(node)))


def _is_address(value: object) -> bool:
    """Return True if an `$id` is more than a name within the schema (draft-07 §8.2.3)."""
    return isinstance(value, str) and not value.startswith("#")
