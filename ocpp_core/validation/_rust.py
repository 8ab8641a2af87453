"""The accept check on jsonschema-rs, where that is installed: a third of the time of the closures.

It is used for exactly those schemas that the closures know, and like them it has no right to refuse. It brings no
meaning of its own: `format` becomes our own pattern, in the spelling of Rust. What it accepts beyond the full check are
Python values that stand for JSON: members of enumerations, which the full check learns of (`validation._judge`), and
`Decimal`, which no encoder here takes.
"""

from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any, Final, NoReturn

from ._closures import IGNORED
from ._formats import FORMATS

__all__ = ["accelerated"]

_DRAFT: Final = "http://json-schema.org/draft-0{}/schema"
_ANNOTATIONS: Final = IGNORED - {"definitions"}


@cache
def _engine() -> ModuleType | None:
    """Load it when the first schema needs it: it takes longer than all of the engine."""
    try:
        import jsonschema_rs
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
    copy = _copy(document, formats=formats)
    copy["$schema"] = _DRAFT.format(_draft(document))
    check: Callable[[Any], object] = engine.validator_for(copy, validate_formats=False, retriever=_refuse).is_valid
    return check


def _draft(document: Mapping[str, Any]) -> int:
    """Tell the draft as fastjsonschema does; of the keywords known here, all later ones mean what 07 does."""
    name = str(document.get("$schema", ""))
    return 4 if "draft-04" in name else 6 if "draft-06" in name else 7


def _refuse(uri: str) -> NoReturn:
    """Fetch nothing: by itself it would ask the network for what a schema names."""
    raise ValueError(f"expected a schema that is complete, it refers to {uri}")


def _copy(schema: Any, *, formats: bool) -> Any:
    """Copy what has a meaning, formats as patterns. A schema may hold anything in its annotations, ids among them."""
    if not isinstance(schema, Mapping):
        return schema
    copy = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
    form = copy.pop("format", None)
    if form is not None and formats:
        copy["pattern"] = _in_rust(FORMATS[form])
    for key in ("definitions", "properties"):
        if key in copy:
            copy[key] = {name: _copy(part, formats=formats) for name, part in copy[key].items()}
    if "items" in copy:
        copy["items"] = _copy(copy["items"], formats=formats)
    return copy


def _in_rust(pattern: str) -> str:
    """Spell a pattern for an engine that never goes back, hence knows no `*+`, and whose `$` is the end of the text."""
    return "^(?:" + pattern.removesuffix(r"\Z").replace("*+", "*") + ")$"
