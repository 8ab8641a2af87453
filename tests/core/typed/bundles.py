"""Walks the schema bundles, from which the types of a version are generated."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ocpp_core.validation._bundles import read_bundle

MODULES = {protocol: import_module(f"ocpp_core.{name}") for protocol, name in (
    ("ocpp1.6", "v16"), ("ocpp2.0.1", "v201"), ("ocpp2.1", "v21"),
)}  # fmt: skip
BUNDLES: dict[str, dict[str, Any]] = {protocol: read_bundle(protocol) for protocol in MODULES}


def payloads(protocol: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of each payload's type, and its schema."""
    for action, kinds in BUNDLES[protocol]["actions"].items():
        for kind, schema in kinds.items():
            yield f"{action}{'Response' if kind == 'result' else 'Request'}", schema


def definition(protocol: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference points to."""
    reference = schema.get("$ref")
    return schema if reference is None else BUNDLES[protocol]["definitions"][reference.removeprefix("#/definitions/")]


def complete(protocol: str, schema: dict[str, Any]) -> Any:
    """A value with every property that the schema knows."""
    schema = definition(protocol, schema)
    if "enum" in schema:
        return schema["enum"][-1]
    match schema.get("type"):
        case "object":
            return {name: complete(protocol, part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [complete(protocol, schema["items"])] * 2
        case kind:
            return {"string": "text", "integer": 7, "number": 7.5, "boolean": True, None: {"of": ["anything"]}}[kind]
