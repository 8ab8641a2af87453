"""Forgive or repair what breaks the schema of a message, rule by rule.

Only the schema decides what is wrong: a value that it allows is never changed, for example a null in a vendor's data.
"""

from typing import Any, Final, TypeAlias

from ocpp_core.config import BrokenRule, Effect, FindRemedy

from ._bundles import Schema
from ._closures import IGNORED
from ._explain import Search

__all__ = ["mended_payload"]

_MAX_VALUES: Final = 20_000
"""Values of a payload that are looked at, in a tenth of a second; a payload with more of them stays refused."""
_MAX_BROKEN: Final = 1000
"""Broken rules of a payload that are mended; a payload with more of them stays refused."""
_ROUNDS: Final = 4
"""Repairs of one value, one after another: a text becomes a number, and that one an integer."""
_JUDGED: Final = IGNORED | {
    *("$ref", "type", "properties", "required", "additionalProperties", "items", "additionalItems", "allOf"),
    *("enum", "const", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems"),
    *("minimum", "maximum", "multipleOf"),
}
"""The keywords that are judged here; a forgiven rule of a schema with others could not be told from their rules."""
_Steps: TypeAlias = tuple[str | int, ...]
_GONE: Final = object()
"""In place of a member that is left out."""


class _RefusedError(Exception):
    """A rule is broken for which nothing is done."""


def mended_payload(document: Schema, payload: Any, find: FindRemedy, *, formats: bool) -> tuple[Any, bool] | None:
    """Return a mended copy of a payload, and whether some of it still breaks the schema and is forgiven.

    None if it stays refused. Members of objects can be left out, elements of arrays cannot. Nothing is forgiven if the
    schema has keywords that are not judged here; the caller checks a payload again that only has repairs. Never raises.
    """
    mender = _Mender(document, find, formats=formats)
    try:
        mended = mender.mend(document, payload, ())
    except Exception:  # refused, too deep for the interpreter, too large, or a bad schema
        return None
    is_refused = mended is _GONE or (mender.has_forgiven and not mender.judges_all)
    return None if is_refused else (mended, mender.has_forgiven)


class _Mender:
    """A copier of payloads that follows the schema and asks about every broken rule."""

    def __init__(self, document: Schema, find: FindRemedy, *, formats: bool) -> None:
        self.has_forgiven = False
        self.judges_all = True
        self._search = Search(document, formats=formats)
        self._find = find
        self._values = 0
        self._broken = 0

    def mend(self, schema: Any, value: Any, steps: _Steps) -> Any:
        if not isinstance(schema, dict):
            return value
        if "$ref" in schema:
            return self.mend(self._search.resolve(schema["$ref"]), value, steps)
        self._values += 1
        if self._values > _MAX_VALUES:
            raise _RefusedError
        if not schema.keys() <= _JUDGED:
            self.judges_all = False
        value = self._parts(schema, self._mend_itself(schema, value, steps), steps)
        for part in schema.get("allOf", ()):
            if value is not _GONE:
                value = self.mend(part, value, steps)
        return value

    def _mend_itself(self, schema: Schema, value: Any, steps: _Steps) -> Any:
        """Return a value that breaks no rule of its own, or only forgiven ones."""
        forgiven: set[str] = set()
        repairs = 0
        while (broken := self._search.search_itself(schema, value, forgiven)) is not None:
            effect, value = self._ask(BrokenRule(steps, broken.keyword, broken.demand, value))
            if effect is Effect.DROP:
                return _GONE
            if effect is Effect.KEEP:
                forgiven.add(broken.keyword)
            else:
                repairs += 1
            if repairs > _ROUNDS:
                raise _RefusedError
        return value

    def _ask(self, broken: BrokenRule) -> tuple[Effect, Any]:
        """Return what is done about a broken rule, and the value from then on."""
        self._broken += 1
        remedy = self._find(broken) if self._broken <= _MAX_BROKEN else None
        if remedy is None:
            raise _RefusedError
        if remedy.effect is Effect.KEEP:
            self.has_forgiven = True
        return remedy.effect, remedy.value if remedy.effect is Effect.REPLACE else broken.value

    def _parts(self, schema: Schema, value: Any, steps: _Steps) -> Any:
        if isinstance(value, dict):
            return self._members(schema, value, steps)
        return self._elements(schema.get("items"), value, steps) if isinstance(value, list) else value

    def _members(self, schema: Schema, value: dict[str, Any], steps: _Steps) -> Any:
        properties = schema.get("properties", {})
        others = True if "patternProperties" in schema else schema.get("additionalProperties", True)
        kept = {}
        for name, item in value.items():
            wanted = properties.get(name, others)
            if wanted is False:
                effect, new = self._ask(BrokenRule((*steps, name), "additionalProperties", False, item))
                new = _GONE if effect is Effect.DROP else new
            else:
                new = self.mend(wanted, item, (*steps, name))
            if new is not _GONE:
                kept[name] = new
        for name in schema.get("required", ()):
            if name not in kept and self._ask(BrokenRule((*steps, name), "required", name, kept))[0] is not Effect.KEEP:
                return _GONE
        return kept

    def _elements(self, items: Any, value: list[Any], steps: _Steps) -> list[Any]:
        wanted = items if isinstance(items, list) else [items] * len(value)
        pairs = enumerate(zip(wanted, value, strict=False))
        kept = [self.mend(part, item, (*steps, index)) for index, (part, item) in pairs] + value[len(wanted) :]
        if any(item is _GONE for item in kept):
            raise _RefusedError
        return kept
