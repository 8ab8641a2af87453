"""The documentation as plain text for programs that read it: llms.txt, llms-full.txt and api.txt."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import griffe

from tools.documentation.objects import directives, documented, loaded, resolved, shown
from tools.documentation.sources import ROOT
from tools.documentation.version_pages import VERSION_PAGES

__all__ = ["address", "texts"]

TITLE: Final = """# OCPP WS IO for Python

> Python client and server for OCPP 1.6, 2.0.1 and 2.1 over WebSocket, on asyncio and trio.
> `pip install ocpp-ws-io` installs the packages `ocpp_transports`, `ocpp_core` and `ocpp_apps`.
"""
TEXTS: Final = """
- [All pages as one text](llms-full.txt): all but the messages of each version, in Markdown.
- [API map](api.txt): every public object, with its signature and the first line of its docstring.
"""
_SECTION: Final = re.compile(r"^  - (?P<title>[^:\n]+):(?P<pages>(?: \S+\.md)?\n(?:   .*\n)*)", re.MULTILINE)
_PAGE: Final = re.compile(r"^[^#\n]* (\S+\.md)$", re.MULTILINE)


def texts(pages: Mapping[str, str]) -> dict[str, str]:
    """Return the files by name, made from the prepared pages."""
    return {"llms.txt": page_list(pages), "llms-full.txt": full_text(pages), "api.txt": api_map()}


def page_list(pages: Mapping[str, str]) -> str:
    """Return the list of pages in the order of the menu, each with its first sentence."""
    lists = (
        f"\n## {title}\n\n" + "".join(f"{page_line(name, pages[name])}\n" for name in names) for title, names in menu()
    )
    return TITLE + TEXTS + "".join(lists)


def menu() -> Iterator[tuple[str, list[str]]]:
    """Yield the sections of the menu in mkdocs.yml, each with its pages."""
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1]
    for section in _SECTION.finditer(listed):
        yield section["title"], _PAGE.findall(section["pages"])


def page_line(name: str, text: str) -> str:
    """Return the line of a page: its title, its address and its first sentence."""
    return f"- [{title_of(text)}]({address(name) or './'}): {first_sentence(text)}"


def address(name: str) -> str:
    """Return the address of a page, relative to the root of the site."""
    return re.sub(r"(^|/)README\.md$", r"\1", name).removesuffix(".md") + ("" if name.endswith("README.md") else "/")


def title_of(text: str) -> str:
    """Return the text of the first heading."""
    return next(iter(re.findall(r"^# (.+)$", text, re.MULTILINE)), "")


def first_sentence(text: str) -> str:
    """Return the first sentence of the prose of a page, without its links."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    paragraphs = (" ".join(part.split()) for part in prose.split("\n\n"))
    found = next((part for part in paragraphs if part and part[0] not in "#|*-:<!>"), "")
    return re.split(r"(?<=[.:]) (?=[A-Z`])", re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", found))[0]


def full_text(pages: Mapping[str, str]) -> str:
    """Return all pages as one text, except those that would be most of it: the messages of each version."""
    listed = {name: text for name, text in pages.items() if name not in VERSION_PAGES}
    return TITLE + "".join(f"\n\n<!-- {address(name) or '/'} -->\n\n{text}" for name, text in listed.items())


# The map of the API


def api_map() -> str:
    """Return one line for each public object: its path, its signature, the first line of its docstring."""
    lines = (line for _, path in directives() for line in object_lines(path))
    return f"# Public objects of {', '.join(loaded())}\n" + "\n".join(lines) + "\n"


def object_lines(path: str) -> Iterator[str]:
    """Yield the lines of what a directive documents."""
    for anchor, found in shown(path, resolved(path)):
        if documented()[found.canonical_path] == anchor:  # inherited members have the line of their own class
            summary = found.docstring.value.partition("\n")[0] if found.docstring else ""
            yield f"{anchor}{signature(found)}: {summary}"


def signature(found: griffe.Object) -> str:
    """Return the parameters and the result of a function, the type of an attribute, "" for anything else."""
    match found:
        case griffe.Function(overloads=[_, *_] as forms) if "args" in found.parameters:
            return " or ".join(map(form, forms))
        case griffe.Function():
            return form(found)
        case griffe.Attribute(annotation=kind) if kind:
            return f" ({kind})"
        case _:
            return ""


def form(function: griffe.Function) -> str:
    """Return the parameters and the result of a function or of one of its overloads."""
    returned = f" -> {function.returns}" if function.returns else ""
    return f"({', '.join(parameters(function.parameters))}){returned}"


def parameters(listed: griffe.Parameters) -> Iterator[str]:
    """Yield the parameters as they are declared, without `self`."""
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    is_positional = is_keyword = False
    for each in listed:
        if each.name in {"self", "cls"}:
            continue
        if is_positional and each.kind is not griffe.ParameterKind.positional_only:
            yield "/"
        is_positional = each.kind is griffe.ParameterKind.positional_only
        if each.kind is griffe.ParameterKind.keyword_only and not is_keyword:
            is_keyword = True
            yield "*"
        default = "" if each.default is None or each.kind in stars else f" = {each.default}"
        kind = f": {each.annotation}" if each.annotation else ""
        yield f"{stars.get(each.kind or griffe.ParameterKind.keyword_only, '')}{each.name}{kind}{default}"
    if is_positional:
        yield "/"
