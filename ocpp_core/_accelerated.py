"""The accept check on jsonschema-rs, where that is installed: a third of the time of the closures.

It is used for exactly those schemas that the closures know, and like them it has no right to refuse. It brings no
meaning of its own: `format` becomes our own pattern, in the spelling of Rust. The one thing that it accepts and the
full check does not, members of enumerations where their values conform, the full check learns (`plain_values`).
"""

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from types import ModuleType
from typing import Any

from ._formats import FORMATS

__all__ = ["accelerated", "plain_values"]


@cache
def _engine() -> ModuleType | None:
    """Load it when the first schema needs it: it takes longer than all of the engine."""
    try:
        import jsonschema_rs  # noqa: PLC0415 - as said
    except ImportError:  # the extra `speed` is not installed
        return None
    return jsonschema_rs


def accelerated(document: Mapping[str, Any], *, formats: bool) -> Callable[[Any], object] | None:
    """Make the check of a schema that `compile_accept` knows, None where there is none.

    It raises ValueError for values that it cannot read, which means no more than False.
    """
    engine = _engine()
    if engine is None:
        return None
    try:
        check: Callable[[Any], object] = engine.validator_for(
            _with_patterns(document, formats=formats), validate_formats=False
        ).is_valid
    except ValueError:  # what it has to say against a schema is not for it to say
        return None
    return check


def _with_patterns(node: Any, *, formats: bool) -> Any:
    if isinstance(node, Mapping):
        copy = {key: _with_patterns(value, formats=formats) for key, value in node.items()}
        if isinstance(form := copy.pop("format", None), str):
            if formats:
                copy["pattern"] = _in_rust(FORMATS[form])
        elif form is not None:
            copy["format"] = form  # a property of this name
        return copy
    if isinstance(node, list):
        return [_with_patterns(item, formats=formats) for item in node]
    return node


def _in_rust(pattern: str) -> str:
    """Spell a pattern for an engine that never goes back, hence knows no `*+`, and whose `$` is the end of the text."""
    return "^(?:" + pattern.removesuffix(r"\Z").replace("*+", "*") + ")$"


def plain_values(value: Any) -> Any:
    """Return a payload with the values of enumerations in place of their members, which is how it is written."""
    if isinstance(value, Enum):
        return plain_values(value.value)
    if isinstance(value, dict):
        return {key: plain_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(item) for item in value]
    return value
