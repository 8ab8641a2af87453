"""What the modules of one version contain, from its schema bundle and from the table of facts beside this file.

The table of a version (`v16.json`, `v201.json`, `v21.json`) was read from the classes of the package `ocpp` 2.1.0, and
from those of 0.26.0 for former spellings. It states only what deviates from these rules:

* A class of `datatypes` or `enums` is named after its definition.
* A field is named after its property, in snake case.
* A field is required if the schema requires its property. Its default is None; in 2.1 it is the schema's default.
* Required fields come first, and each group is in the order of the schema, with `customData` last. In 2.1 each group
  is sorted by name.
* An enumeration has the values of its definition. A member is named after its value, in snake case.

The keys of the table:

* `classes`: the classes whose names differ from their definitions; `without_class`: the definitions without a class.
* `parts`: property -> datatype, and `types`: property -> enumeration, for 1.6, where most schemas have no definitions.
* `names`, `order`, `required`, `lists` (an empty list is the default), `limits` (characters): what deviates in fields.
* `enums`, `members`, `lengths`: what deviates in enumerations, and the constants of `CiStringType`.
* `old`: spellings of the releases before 2.0.0. `enum_endings` says that each `XEnumType` was `XType`.
* `renamed`: former name of a field -> its name.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]

HERE: Final = Path(__file__).resolve().parent
SCHEMAS: Final = HERE.parent.parent / "schemas"

PROTOCOLS: Final = {"v16": "ocpp1.6", "v201": "ocpp2.0.1", "v21": "ocpp2.1"}
"""Folder of the generated modules -> subprotocol."""

MESSAGES: Final = {"call": "call", "call_result": "result"}
"""Module -> kind of message in the bundle."""


def snake(word: str) -> str:
    """Return a property or a value in snake case: `evseID` is evse_id, `L1-N` is l1_n."""
    text = re.sub(r"[^A-Za-z0-9]+", "_", word)
    text = re.sub(r"V2[GX]", lambda found: f"_{found[0].lower()}", text)
    text = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])(?=.)", r"\1_\2", text)
    return re.sub(r"_+", "_", text).strip("_").lower()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a class: its property, its default as JSON (`...` if it is required), and what its values are."""

    wire: str
    name: str
    default: Any
    kind: str
    """`str`, `int`, `float`, `bool`, `Any`, `enum` or `object`."""
    type: str | None
    """The enumeration or datatype; None for an object without a class."""
    is_list: bool


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the modules `call`, `call_result` or `datatypes`."""

    module: str
    name: str
    fields: tuple[Field, ...]
    renamed: dict[str, str]
    """Former name of a field -> its name."""
    limits: dict[str, int]
    """Field -> the number of characters that the constructor accepts."""


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enumeration: its members by name, and the former names of members, both with their values."""

    name: str
    members: dict[str, str]
    old: dict[str, str]


class Version:
    """One version of OCPP."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.protocol = PROTOCOLS[folder]
        self._bundle: Schema = json.loads((SCHEMAS / f"{self.protocol}.json").read_text(encoding="utf-8"))
        self.facts: Schema = json.loads((HERE / f"{folder}.json").read_text(encoding="utf-8"))
        self._definitions: Schema = self._bundle["definitions"]

    @property
    def has_payload_classes(self) -> bool:
        """True if releases before 2.0.0 had this version, with its classes named `…Payload`."""
        return "old" in self.facts

    @property
    def lengths(self) -> dict[str, int]:
        """The lengths of strings that the module `enums` of 1.6 names."""
        found: dict[str, int] = self.facts.get("lengths", {})
        return found

    def actions(self) -> list[str]:
        """Return the actions that have a CALL."""
        return [action for action, kinds in self._bundle["actions"].items() if "call" in kinds]

    @cached_property
    def schemas(self) -> dict[str, Schema]:
        """Module.Class -> schema of its object."""
        messages = {
            f"{module}.{action}": self._bundle["actions"][action][kind]
            for module, kind in MESSAGES.items()
            for action in self.actions()
        }
        return messages | dict(sorted(self._datatypes(messages)))

    def _datatypes(self, messages: dict[str, Schema]) -> Iterator[tuple[str, Schema]]:
        for name, definition in self._definitions.items():
            if definition["type"] == "object" and name not in self.facts["without_class"]:
                yield f"datatypes.{self._class_of(name)}", definition
        for schema in messages.values():
            yield from self._inline(schema)

    def _class_of(self, definition: str) -> str:
        name: str = self.facts["classes"].get(definition, definition)
        return name

    def _inline(self, schema: Schema) -> Iterator[tuple[str, Schema]]:
        for wire, node in schema.get("properties", {}).items():
            item = node.get("items", node)
            if item.get("type") == "object" and "properties" in item:
                yield f"datatypes.{self.facts['parts'][wire]}", item
                yield from self._inline(item)

    def classes(self, module: str) -> list[Class]:
        """Return the classes of a module, each after those that its fields need."""
        made = [self._class(key, schema) for key, schema in self.schemas.items() if key.startswith(f"{module}.")]
        if module != "datatypes":
            return made
        by_name = {each.name: each for each in made}
        ordered: dict[str, Class] = {}

        def place(each: Class) -> None:
            for field in each.fields:
                if field.kind == "object" and field.type and field.type not in ordered:
                    place(by_name[field.type])
            ordered[each.name] = each

        for each in made:
            place(each)
        return list(ordered.values())

    def _class(self, key: str, schema: Schema) -> Class:
        module, name = key.split(".")
        fields = {field.name: field for field in self.fields(key, schema)}
        if order := self.facts["order"].get(key):
            chosen = [fields[name] for name in order.split()]
        elif self.facts["sorted"]:
            chosen = sorted(fields.values(), key=lambda field: (field.default is not ..., field.name))
        else:
            chosen = sorted(fields.values(), key=lambda field: (field.wire == "customData", field.default is not ...))
        renamed = self.facts["renamed"].get(key, {})
        return Class(module, name, tuple(chosen), renamed, self.facts["limits"].get(key, {}))

    def fields(self, key: str, schema: Schema) -> list[Field]:
        """Return the fields of an object, in the order of its schema."""
        properties = dict(schema.get("properties", {}))
        if key.startswith("datatypes.") and not self.facts["custom_data"]:
            properties.pop("customData", None)
        return [self._field(key, wire, node, schema) for wire, node in properties.items()]

    def _field(self, key: str, wire: str, node: Schema, schema: Schema) -> Field:
        name = self.facts["names"].get(f"{key}.{wire}") or snake(wire)
        item = node.get("items", node)
        kind, type_ = self._kind(f"{key}.{wire}", wire, item)
        required = self.facts["required"].get(f"{key}.{name}", wire in schema.get("required", ()))
        default = ... if required else self._default(f"{key}.{name}", item)
        return Field(wire, name, default, kind, type_, item is not node)

    def _default(self, key: str, item: Schema) -> Any:
        if key in self.facts["lists"]:
            return []
        target = self._definitions.get(item.get("$ref", "").removeprefix("#/definitions/"), {})
        return item.get("default", target.get("default")) if self.facts["schema_defaults"] else None

    def _kind(self, key: str, wire: str, item: Schema) -> tuple[str, str | None]:
        if reference := item.get("$ref"):
            definition = reference.removeprefix("#/definitions/")
            if "enum" in self._definitions[definition]:
                return "enum", self._class_of(definition)
            return "object", None if definition in self.facts["without_class"] else self._class_of(definition)
        if enum := self.facts["types"].get(key):
            return "enum", enum
        if item.get("type") == "object":
            return "object", self.facts["parts"].get(wire)
        kinds = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", None: "Any"}
        return kinds[item.get("type")], None

    def enumerations(self) -> list[Enumeration]:
        """Return the enumerations, `Action` first."""
        given = {name: values.split() for name, values in self.facts["enums"].items()}
        values = {"Action": self.actions(), **dict(sorted((self._schema_enums() | given).items()))}
        return [self._enumeration(name, texts) for name, texts in values.items()]

    def _enumeration(self, name: str, values: list[str]) -> Enumeration:
        names = self.facts["members"].get(name, {})
        members = {names.get(value) or snake(value): value for value in values}
        if not self.has_payload_classes:
            return Enumeration(name, members, {})
        old = {action: action for action in values} if name == "Action" else self.facts["old"]["members"].get(name, {})
        return Enumeration(name, members, old)

    def _schema_enums(self) -> dict[str, list[str]]:
        found = {self._class_of(name): node["enum"] for name, node in self._definitions.items() if "enum" in node}
        for key, name in self.facts["types"].items():
            item = self.schemas[key.rpartition(".")[0]]["properties"][key.rpartition(".")[2]]
            if "enum" in item:
                found.setdefault(name, item["enum"])
        return found

    def old_enums(self) -> dict[str, str]:
        """Return former names of enumerations with their names: `XType` of 2.0.1 is `XEnumType` now."""
        given: dict[str, str] = self.facts.get("old", {}).get("enums", {})
        if not self.facts.get("old", {}).get("enum_endings"):
            return given
        by_rule = {
            f"{each.name.removesuffix('EnumType')}Type": each.name
            for each in self.enumerations()
            if each.name.endswith("EnumType") and each.name not in given.values()
        }
        return by_rule | given
