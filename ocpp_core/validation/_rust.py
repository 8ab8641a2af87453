"""The accept check with jsonschema-rs, if it is installed.

It takes a third of the time of the closures. It is used for exactly those schemas that the closures support, and like
them it never refuses a payload. It decides the same: `format` becomes the pattern of this library, in the syntax of
Rust. It also accepts Python values that the full check sees only after conversion or never: members of enumerations
(`_validator` converts them), and `Decimal`, which the JSON encoder refuses.
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
    """Return jsonschema-rs or None.

    Its import takes longer than that of the whole engine, so it is late.
    """
    try:
        import jsonschema_rs
    except ImportError:  # the extra `speed` is not installed
        return None
    return jsonschema_rs


def accelerated(document: Mapping[str, Any], *, formats: bool) -> Callable[[Any], object] | None:
    """Return the accept check of a schema that `compile_accept` supports.

    None without jsonschema-rs. The check raises ValueError for values that it cannot read, which counts as False.
    """
    engine = _engine()
    if engine is None:
        return None
    copy = _copy(document, formats=formats)
    copy["$schema"] = _DRAFT.format(_draft(document))
    check: Callable[[Any], object] = engine.validator_for(copy, validate_formats=False, retriever=_refuse).is_valid
    return check


def _draft(document: Mapping[str, Any]) -> int:
    """Return the draft as fastjsonschema does.

    For the supported keywords, later drafts are equal to 07.
    """
    name = str(document.get("$schema", ""))
    return 4 if "draft-04" in name else 6 if "draft-06" in name else 7


def _refuse(uri: str) -> NoReturn:
    """Raise ValueError instead of the default retrieval of a referenced schema from the network."""
    raise ValueError(f"expected a self-contained schema, got a reference to {uri}")


def _copy(schema: Any, *, formats: bool) -> Any:
    """Return a copy without annotations, which may contain anything, and with formats as patterns."""
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
    """Return a pattern in Rust's syntax: without `*+`, because it never backtracks, and with `$` at the end."""
    return "^(?:" + pattern.removesuffix(r"\Z").replace("*+", "*") + ")$"
