"""Links names in backticks to the public objects of these names."""

import re
from typing import Final

import griffe

from tools.documentation.objects import documented, members, named, resolved

__all__ = ["link_names", "linked_page"]

_NAME: Final = re.compile(r"(?<![\[`\w])`(?P<path>[A-Za-z_]\w*(?:\.\w+)?)(?:\(\))?`(?![\]`\w])")
_UNTOUCHED: Final = re.compile(r"(^```.*?^```$|^#[^\n]*$|^::: [^\n]*$|\[[^\]]*\]\([^)]*\))", re.MULTILINE | re.DOTALL)
"""Parts of a page that get no links: blocks of code, headings, directives, links."""


def linked_page(text: str) -> str:
    """Return a page in which the names of public classes are links. Other names may mean anything."""
    parts = _UNTOUCHED.split(text)
    parts[::2] = [_NAME.sub(lambda name: _link(name) if name["path"][0].isupper() else name[0], p) for p in parts[::2]]
    return "".join(parts)


def link_names(text: str, where: griffe.Object) -> str:
    """Return the prose of an object's docstring with links to public objects, and to members of the same class."""
    return _NAME.sub(lambda name: _link(name, where), text)


def _link(name: re.Match[str], where: griffe.Object | None = None) -> str:
    anchor = _anchor_of(name["path"], where)
    return name[0] if anchor is None else f"[{name[0]}][{anchor}]"


def _anchor_of(path: str, where: griffe.Object | None) -> str | None:
    first, _, member = path.partition(".")
    if where is not None and not member and (own := _own_member(where, first)) is not None:
        return own
    found = (None if where is None else _in_scope(where, first)) or named().get(first)
    if found is None or (where is not None and found == where.canonical_path):
        return None
    return _member_of(resolved(found), member) if member else documented().get(found)


def _in_scope(where: griffe.Object, name: str) -> str | None:
    """Return the canonical path of a documented object that the module of a docstring defines or imports."""
    found = where.module.members.get(name)
    if found is None or (isinstance(found, griffe.Alias) and not found.resolved):
        return None
    return found.canonical_path if found.canonical_path in documented() else None


def _own_member(where: griffe.Object, name: str) -> str | None:
    """Return the anchor of another member of the class that a docstring is about, unless a parameter has the name."""
    owner = where if where.is_class else where.parent
    if owner is None or not owner.is_class or where.name == name:
        return None
    if isinstance(where, griffe.Function) and name in {each.name for each in where.parameters}:
        return None
    return _member_of(owner, name)


def _member_of(owner: griffe.Object, name: str) -> str | None:
    member = dict(members(owner)).get(name)
    return None if member is None else documented().get(member.canonical_path)
