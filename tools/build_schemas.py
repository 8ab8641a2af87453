"""Generate the schema bundles in `schemas/` from the JSON schemas inside the PyPI package `ocpp`.

    python tools/build_schemas.py           write the three bundles
    python tools/build_schemas.py --check   write nothing; exit 1 if a bundle differs

A bundle contains the facts of one OCPP version: for each action the schema of its CALL, CALLRESULT or SEND, and the
definitions they share. `schemas/README.md` describes their source and the corrections.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]

SOURCE_VERSION: Final = "2.1.0"
"""The release of the package `ocpp` that the corrections below were written for."""

SOURCES: Final = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}
"""Subprotocol name -> folder of the source package."""

OUTPUT: Final = Path(__file__).resolve().parent.parent / "schemas"
WIDTH: Final = 110

FACTS: Final = (
    "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum", "format",
    "minLength", "maxLength", "minimum", "maximum", "multipleOf", "default", "$ref",
)  # fmt: skip
"""Keywords that are kept, in the order of writing."""

PROSE: Final = frozenset({"$schema", "$id", "id", "title", "description", "comment", "javaType", "definitions"})
"""Keywords that state nothing about a payload, or (`$schema`, `definitions`) are carried over separately."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of the source package to an OCA original, which is undone here."""

    protocol: str
    file: str
    path: tuple[str | int, ...]
    patched: str | int
    original: str | int | None
    """The original value; None if the original has none."""


_METER_VALUE: Final = ("properties", "meterValue")
_SAMPLED_VALUE: Final = (*_METER_VALUE, "items", "properties", "sampledValue")

PATCHES: Final = (
    Patch("ocpp1.6", "MeterValues", (*_METER_VALUE, "minItems"), 1, None),
    Patch("ocpp1.6", "MeterValues", (*_SAMPLED_VALUE, "minItems"), 1, None),
    Patch("ocpp1.6", "MeterValues", (*_SAMPLED_VALUE, "items", "properties", "unit", "enum", -1), "Hertz", None),
    Patch("ocpp2.0.1", "Get15118EVCertificateResponse", ("properties", "exiResponse", "maxLength"), 7500, 5600),
)


def undo(patch: Patch, schema: Schema) -> None:
    """Undo one patch in place. Raises ValueError if the source lacks the patched value."""
    *parents, last = patch.path
    node: Any = schema
    for step in parents:
        node = node[step]
    if node[last] != patch.patched:
        raise ValueError(f"expected {patch.patched!r} at {patch.path} of {patch.file}, got {node[last]!r}")
    if patch.original is None:
        del node[last]
    else:
        node[last] = patch.original


def facts(node: Schema) -> Schema:
    """Return a schema without prose and without keywords that do not apply to its type."""
    kept = {keyword: value for keyword, value in node.items() if keyword not in PROSE}
    if unknown := kept.keys() - set(FACTS) - {"additionalItems"}:
        raise ValueError(f"expected only known keywords, got {sorted(unknown)}")
    kept.pop("additionalItems", None)  # no effect unless `items` is an array, and here it never is
    if kept.get("type") != "object":
        kept.pop("additionalProperties", None)
    for limit in {"minimum", "maximum"} & kept.keys():
        if kept[limit] == int(kept[limit]):
            kept[limit] = int(kept[limit])  # 1.0 and 1 are one JSON number, and integers compare faster
    if "properties" in kept:
        kept["properties"] = {name: facts(part) for name, part in kept["properties"].items()}
    if "items" in kept:
        kept["items"] = facts(kept["items"])
    return {keyword: kept[keyword] for keyword in FACTS if keyword in kept}


def canonical(node: Any) -> Any:
    """Return a schema without meaningless orders, so that equal facts compare equal."""
    if isinstance(node, dict):
        return {
            key: sorted(value) if key in {"enum", "required"} and isinstance(value, list) else canonical(value)
            for key, value in node.items()
        }
    return node


def place(file: str, protocol: str) -> tuple[str, str]:
    """Return action and kind from a file name. Without a suffix it is a CALL (1.6) or a SEND (2.1 Part 4 §4.1.3)."""
    if file.endswith("Response"):
        return file.removesuffix("Response"), "result"
    if file.endswith("Request"):
        return file.removesuffix("Request"), "call"
    return file, "call" if protocol == "ocpp1.6" else "send"


def read_sources(protocol: str) -> Iterator[tuple[str, Schema]]:
    """Yield file name and schema of every message, patches undone, in the order of the names."""
    folder = files("ocpp") / SOURCES[protocol] / "schemas"
    patches = [patch for patch in PATCHES if patch.protocol == protocol]
    for source in sorted(folder.iterdir(), key=lambda entry: entry.name):
        name = source.name.removesuffix(".json")
        schema: Schema = json.loads(source.read_text(encoding="utf-8-sig"))
        for patch in patches:
            if patch.file == name:
                undo(patch, schema)
        yield name, schema


class Bundle:
    """The messages of a version and their shared definitions, which are merged only if equal."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.actions: dict[str, Schema] = {}
        self._definitions: dict[str, tuple[str, Schema]] = {}
        for file, schema in read_sources(protocol):
            self.add(file, schema)

    def add(self, file: str, schema: Schema) -> None:
        """Add a message. Raises ValueError if it defines a name differently from an earlier one."""
        for name, definition in schema.get("definitions", {}).items():
            self._define(name, schema["$schema"], facts(definition))
        action, kind = place(file, self.protocol)
        self.actions.setdefault(action, {})[kind] = {"$schema": schema["$schema"], **facts(schema)}

    def _define(self, name: str, draft: str, definition: Schema) -> None:
        # The draft is part of what a definition means: `integer` admits 1.0 since draft-06. References need no
        # closer look: a name that is defined twice, but not equally, ends the run.
        known_draft, known = self._definitions.setdefault(name, (draft, definition))
        if known_draft != draft or canonical(known) != canonical(definition):
            raise ValueError(f"expected equal definitions of {name} in {self.protocol}, got two different ones")

    def document(self) -> Schema:
        """Return the content of the bundle, in a fixed order."""
        definitions = {name: self._definitions[name][1] for name in sorted(self._definitions)}
        actions = {
            action: {kind: kinds[kind] for kind in ("call", "result", "send") if kind in kinds}
            for action, kinds in sorted(self.actions.items())
        }
        return {"protocol": self.protocol, "actions": actions, "definitions": definitions}


def render(node: Any, indent: int = 0, used: int = 0) -> str:
    """Return JSON with objects and arrays on one line if they fit, so that a changed fact is a changed line."""
    flat = json.dumps(node, ensure_ascii=False)
    if indent + used + len(flat) < WIDTH or not isinstance(node, (dict, list)) or not node:
        return flat
    inner = " " * (indent + 1)
    if isinstance(node, list):
        parts = [inner + render(item, indent + 1) for item in node]
    else:
        heads = {key: f"{json.dumps(key, ensure_ascii=False)}: " for key in node}
        parts = [inner + heads[key] + render(value, indent + 1, len(heads[key])) for key, value in node.items()]
    opening, closing = "[]" if isinstance(node, list) else "{}"
    return "\n".join((opening, ",\n".join(parts), " " * indent + closing))


def build(protocol: str) -> str:
    """Return the text of one bundle."""
    return render(Bundle(protocol).document()) + "\n"


def main() -> int:
    """Write the bundles, or compare them with `--check`. Returns the exit code."""
    parser = argparse.ArgumentParser(description="Generate schemas/*.json from the PyPI package ocpp.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a bundle differs")
    check: bool = parser.parse_args().check
    if (found := version("ocpp")) != SOURCE_VERSION:
        sys.stderr.write(f"expected the package ocpp=={SOURCE_VERSION}, got {found}\n")
        return 1
    stale = []
    for protocol in SOURCES:
        target, text = OUTPUT / f"{protocol}.json", build(protocol)
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            stale.append(target.name)
            if not check:
                target.write_text(text, encoding="utf-8", newline="\n")
    if stale:
        sys.stdout.write(f"{'differs' if check else 'written'}: {', '.join(stale)}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
