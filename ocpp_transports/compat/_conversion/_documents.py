"""The JSON schema of a message in the form of the OCA's files, without their descriptions."""

from typing import Any

__all__ = ["published_schema"]


def published_schema(document: dict[str, Any], title: str) -> dict[str, Any]:
    """Return a schema as the OCA publishes it.

    Texts with an enumeration have `additionalProperties`, and the first messages of 1.6, in draft-04, have a title.
    """
    schema: dict[str, Any] = _with_closed_texts(document)
    if not schema.get("definitions"):
        schema.pop("definitions", None)
    return {**schema, "title": title} if "draft-04" in schema["$schema"] else schema


def _with_closed_texts(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_closed_texts(item) for item in node]
    if not isinstance(node, dict):
        return node
    copied = {key: _with_closed_texts(value) for key, value in node.items()}
    return {**copied, "additionalProperties": False} if "enum" in copied else copied
