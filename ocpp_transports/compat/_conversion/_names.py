"""The names of all properties: on the wire, and as fields and arguments of programs.

The tables are made from the schemas, one for each object, when a message is first used. No object has two properties of
one field name, so no name is lost: `soC` and `soc` are both `soc`, in different objects.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any, Final

from ocpp_core.config import Kind
from ocpp_core.validation import SchemaValidator

from ._case import camel_name, snake_name

__all__ = ["MessageNames", "ObjectNames"]

# The fields that have other names than the conversion makes.
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ocpp2.1": {
        "iso15118CertificateHashData": "iso_15118_certificate_hash_data",
        "iso15118SchemaVersion": "iso_15118_schema_version",
        "prioritizedEMAIDs": "prioritized_emaids",
    },
}
_CUSTOM_DATA: Final = "customData"
_DATA: Final = "data"


class ObjectNames:
    """The names of the properties of one JSON object, and of the objects in them.

    A property whose names are None has a value that is not converted.
    """

    __slots__ = ("_fields", "_others", "_wires", "other_fields")

    def __init__(self, others: "ObjectNames | None" = None) -> None:
        self._fields: dict[str, tuple[str, ObjectNames | None]] = {}
        self._wires: dict[str, tuple[str, ObjectNames | None]] = {}
        self._others = self if others is None else others
        self.other_fields: dict[str, str] = {}
        """Field name -> the name that the conversion makes, where they differ."""

    def add(self, wire: str, field: str, inner: "ObjectNames | None") -> None:
        """Add a property by its two names, with the names of the objects in it, unless it is known already."""
        converted = snake_name(wire)
        self._fields.setdefault(wire, (field, inner))
        for name in (field, wire, converted):
            self._wires.setdefault(name, (wire, inner))
        if converted != field:
            self.other_fields[field] = converted

    def field(self, wire: str) -> "tuple[str, ObjectNames | None]":
        """Return the field name of a property, and the names in its value."""
        return self._fields.get(wire) or (snake_name(wire), self._others)

    def wire(self, field: str) -> "tuple[str, ObjectNames | None]":
        """Return the name on the wire for a field name or a name in camelCase, and the names in its value."""
        return self._wires.get(field) or (camel_name(field), self._others)


class MessageNames:
    """The names in the messages of one OCPP version.

    Unless `converts_bodies`, the values of `customData` and the data of DataTransfer are not converted.
    """

    def __init__(self, validator: SchemaValidator, *, converts_bodies: bool) -> None:
        self._validator = validator
        self._bodies = ObjectNames() if converts_bodies else None
        self._unknown = ObjectNames()
        self._unknown.add(_CUSTOM_DATA, snake_name(_CUSTOM_DATA), self._bodies)
        self._definitions: dict[str, ObjectNames] = {}
        self._own_fields = _FIELDS.get(validator.protocol, {})
        self._kept: dict[tuple[Kind, str], ObjectNames] = {}
        self._filling = Lock()

    def of(self, kind: Kind, action: str) -> ObjectNames:
        """Return the names of a message; for an unknown one, those of an object without known properties."""
        return self._kept.get((kind, action)) or self._make(kind, action)

    def _make(self, kind: Kind, action: str) -> ObjectNames:
        document = self._validator.schema(kind, action)
        if document is None:
            return self._unknown  # not kept: the peer chooses the names of unknown actions
        names = ObjectNames(self._unknown)
        if action == "DataTransfer":
            names.add(_DATA, _DATA, self._bodies)
        with self._filling:  # a thread must not see the tables that another one fills
            self._kept[kind, action] = self._filled(names, document, document)
        return names

    def _filled(self, names: ObjectNames, schema: Mapping[str, Any], document: Mapping[str, Any]) -> ObjectNames:
        for wire, value in schema.get("properties", {}).items():
            inner = self._bodies if wire == _CUSTOM_DATA else self._inner(value, document)
            names.add(wire, self._own_fields.get(wire) or snake_name(wire), inner)
        return names

    def _inner(self, schema: Mapping[str, Any], document: Mapping[str, Any]) -> ObjectNames:
        """Return the names of the objects in a value, which may be an array."""
        if "items" in schema:
            return self._inner(schema["items"], document)
        if "$ref" not in schema:
            names = ObjectNames(self._unknown)
            return self._filled(names, schema, document) if "properties" in schema else self._unknown
        name = schema["$ref"].removeprefix("#/definitions/")
        if name not in self._definitions:
            names = self._definitions[name] = ObjectNames(self._unknown)  # first, as it may refer to itself
            self._filled(names, document["definitions"][name], document)
        return self._definitions[name]
