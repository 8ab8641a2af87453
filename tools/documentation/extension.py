"""Extends griffe: lists the options behind `**options`, and links the public names in docstrings.

mkdocstrings loads this file, see `mkdocs.yml`. A function with `**options: Unpack[XKeywords]` gets a section with the
type, default, range and meaning of each option. A name in backticks becomes a link to the public object of that name.
An indented example gets colours.
"""

import ast
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import griffe

if (root := str(Path(__file__).resolve().parents[2])) not in sys.path:  # mkdocstrings loads this file by its path
    sys.path.insert(0, root)

from tools.documentation.objects import documented, members, named
from tools.options import KEYWORDS, keyword_entries

__all__ = ["PublicNames"]

_UNPACKED: Final = re.compile(r"Unpack\[(?P<name>\w+)\]")
_CODE: Final = re.compile(r"(^ *```.*?^ *```$|(?<=\n\n) {4,}\S[^\n]*(?:\n+ {4,}[^\n]*)*)", re.MULTILINE | re.DOTALL)
"""A block of code: fenced, or indented after an empty line. What follows `Args:` is indented without one."""
_NAME: Final = re.compile(r"(?<![\[`\w])`(?P<path>[A-Za-z_]\w*(?:\.\w+)?)(?P<call>\(\))?`(?![\]`\w])")
_MOST_OVERLOADS: Final = 6
"""Overloads that are shown; of a function with more, the general signature is shown instead."""
_LISTED: Final = ("__init__",)
"""The functions below which the options are listed; others name the options of these."""


class PublicNames(griffe.Extension):
    """Adds sections of options and links to the docstrings of a package that mkdocstrings loads."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Rewrite the docstrings of a package once all its modules are loaded."""
        for each in _objects(pkg):
            if each.docstring is not None:
                each.docstring.value = linked(each.docstring.value, each)
            if isinstance(each, griffe.Function):
                _list_options(each)
                if len(each.overloads or ()) > _MOST_OVERLOADS:
                    each.overloads = None


def _objects(found: griffe.Object) -> Iterator[griffe.Object]:
    yield found
    for member in found.members.values():
        if not member.is_alias and isinstance(member, griffe.Object):
            yield from _objects(member)


# Options


def _list_options(function: griffe.Function) -> None:
    keywords = _UNPACKED.search(str(next((p.annotation for p in function.parameters if p.name == "options"), "")))
    if keywords is None or keywords["name"] not in {each.name for each in KEYWORDS}:
        return
    if function.name in _LISTED and function.parent is not None and function.docstring is None:
        function.docstring = griffe.Docstring(
            options_section(keywords["name"]), parent=function, parser=griffe.Parser.google
        )


def options_section(keywords: str) -> str:
    """Return the section of a docstring that lists the options of a TypedDict."""
    lines = ["", "Keyword Args:"]  # the empty line keeps the indentation of the others
    for each in keyword_entries(keywords):
        allowed = f", {each.range}" if each.range else ""
        lines.append(f"    {each.name} ({each.type}): {each.meaning} Default: {each.default}{allowed}.")
    return "\n".join(lines)


# Links


def linked(text: str, where: griffe.Object) -> str:
    """Return a docstring with links to public objects, and with coloured examples."""
    parts = _CODE.split(text)
    parts[::2] = [_NAME.sub(lambda name: _link(name, where), part) for part in parts[::2]]
    parts[1::2] = [part if part.lstrip().startswith("```") else _fenced(part) for part in parts[1::2]]
    return "".join(parts)


def _fenced(block: str) -> str:
    """Return an indented block of code as a fenced one, which gets colours if it is Python."""
    code = textwrap.dedent(block)
    return f"```{'python' if _is_python(code) else 'text'}\n{code}\n```"


def _is_python(code: str) -> bool:
    try:
        compile(code, "", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return False
    return True


def _link(name: re.Match[str], where: griffe.Object) -> str:
    anchor = _anchor_of(name["path"], where)
    return name[0] if anchor is None else f"[{name[0]}][{anchor}]"


def _anchor_of(path: str, where: griffe.Object) -> str | None:
    """Return where a name leads: to a public object, or to a member of the class that the docstring is about."""
    first, _, member = path.partition(".")
    if not member and (own := _member_of(where, first)) is not None:
        return own
    found = named().get(first)
    if found is None or found == where.canonical_path:
        return None
    return documented().get(f"{found}.{member}" if member else found)


def _member_of(where: griffe.Object, name: str) -> str | None:
    """Return the anchor of another member of the class of an object, or of the class itself."""
    owner = where if where.is_class else where.parent
    if owner is None or not owner.is_class or where.name == name or name in _parameters(where):
        return None
    member = dict(members(owner)).get(name)
    return None if member is None else documented().get(member.canonical_path)


def _parameters(where: griffe.Object) -> set[str]:
    return {each.name for each in where.parameters} if isinstance(where, griffe.Function) else set()
