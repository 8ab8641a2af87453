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

from tools.documentation.links import link_names
from tools.options import CALL_KEYWORDS, KEYWORDS, keyword_entries

__all__ = ["PublicNames"]

_UNPACKED: Final = re.compile(r"Unpack\[(?P<name>\w+)")
_CODE: Final = re.compile(r"(^ *```.*?^ *```$|(?<=\n\n) {4,}\S[^\n]*(?:\n+ {4,}[^\n]*)*)", re.MULTILINE | re.DOTALL)
"""A block of code: fenced, or indented after an empty line. What follows `Args:` is indented without one."""
_MOST_OVERLOADS: Final = 6
"""Overloads that are shown; of a function with more, the general signature is shown instead."""


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
            elif isinstance(each, griffe.Attribute):
                _unquote(each)


def _objects(found: griffe.Object) -> Iterator[griffe.Object]:
    yield found
    for member in found.members.values():
        if not member.is_alias and isinstance(member, griffe.Object):
            yield from _objects(member)


def _unquote(attribute: griffe.Attribute) -> None:
    """Show a type alias that is written as a string, because it names later classes, as the type it stands for."""
    module = attribute.parent
    if str(attribute.annotation) != "TypeAlias" or module is None:
        return
    value = ast.parse(str(attribute.value), mode="eval").body
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        attribute.value = griffe.safe_get_expression(ast.parse(value.value, mode="eval").body, parent=module)


# Options


def _list_options(function: griffe.Function) -> None:
    """Add the section to a constructor and to `call`. Other functions accept options that these list."""
    forms = (function, *(function.overloads or ()))
    annotations = (str(each.annotation) for form in forms for each in form.parameters if each.name == "options")
    keywords = next(filter(None, map(_UNPACKED.search, annotations)), None)
    if keywords is None:
        return
    listed = {"__init__": {each.name for each in KEYWORDS}, "call": {CALL_KEYWORDS}}
    if keywords["name"] in listed.get(function.name, ()):
        before = "" if function.docstring is None else function.docstring.value
        text = f"{before}\n\n{options_section(keywords['name'])}"
        function.docstring = griffe.Docstring(text, parent=function, parser=griffe.Parser.google)


def options_section(keywords: str) -> str:
    """Return the section of a docstring that lists the options of a TypedDict."""
    lines = ["Keyword Args:"]
    for each in keyword_entries(keywords):
        allowed = f", {each.range}" if each.range else ""
        lines.append(f"    {each.name} ({each.type}): {each.meaning} Default: {each.default}{allowed}.")
    return "\n".join(lines)


# Prose and examples


def linked(text: str, where: griffe.Object) -> str:
    """Return a docstring with links to public objects, and with coloured examples."""
    parts = _CODE.split(text)
    parts[::2] = [link_names(part, where) for part in parts[::2]]
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
