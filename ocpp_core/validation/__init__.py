"""Strict mode: check payloads against the JSON schemas of a protocol."""

from ._validator import SchemaValidator, create_validator, load_validator

__all__ = ["SchemaValidator", "create_validator", "load_validator"]
