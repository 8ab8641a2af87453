"""The documentation as plain text for programs that read it: llms.txt, llms-full.txt and api.txt."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import griffe

from tools.documentation.objects import directives, documented, loaded, resolved, shown
from tools.documentation.version_pages import VERSION_PAGES

__all__ = ["texts"]

TITLE: Final = """# OCPP WS IO for Python

> Python client and server for OCPP 1.6, 2.0.1 and 2.1 over WebSocket, on asyncio and trio.
> `pip install ocpp-ws-io` installs the packages `ocpp_transports`, `ocpp_core` and `ocpp_apps`.
"""
SECTIONS: Final = {"reference/": "Reference", "design/": "Explanation", "": "Guides"}
"""Sections of llms.txt by the beginning of a page's path."""


def texts(pages: Mapping[str, str]) -> dict[str, str]:
    """Return the files by name, made from the prepared pages."""
    return {"llms.txt": page_list(pages), "llms-full.txt": full_text(pages), "api.txt": api_map()}


def page_list(pages: Mapping[str, str]) -> str:
    """Return the list of pages, each with its first sentence."""
    sections: dict[str, list[str]] = {title: [] for title in ("Guides", "Reference", "Explanation")}
    for name, text in pages.items():
        section = next(title for start, title in SECTIONS.items() if name.startswith(start))
        sections[section].append(f"- [{title_of(text)}]({address(name) or './'}): {first_sentence(text)}")
    sections["Guides"] += [
        "- [All pages as one text](llms-full.txt): all but the messages of each version, in Markdown.",
        "- [API map](api.txt): every public object, with its signature and the first line of its docstring.",
    ]
    lists = (f"\n## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in sections.items())
    return TITLE + "".join(lists)


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
        case griffe.Function(parameters=listed, returns=returned):
            return f"({', '.join(parameters(listed))}){f' -> {returned}' if returned else ''}"
        case griffe.Attribute(annotation=kind) if kind:
            return f" ({kind})"
        case _:
            return ""


def parameters(listed: griffe.Parameters) -> Iterator[str]:
    """Yield the parameters as they are declared, without `self`."""
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    is_keyword = False
    for each in listed:
        if each.name in {"self", "cls"}:
            continue
        if each.kind is griffe.ParameterKind.keyword_only and not is_keyword:
            is_keyword = True
            yield "*"
        default = "" if each.default is None or each.kind in stars else f" = {each.default}"
        kind = f": {each.annotation}" if each.annotation else ""
        yield f"{stars.get(each.kind or griffe.ParameterKind.keyword_only, '')}{each.name}{kind}{default}"
