"""The pages of the site: those of `docs/`, and others that are made of files beside it.

Links that leave `docs/` lead to the pages made of the files they name, and comments for the tests are left out.
"""

import ast
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tools.documentation.sources import ROOT, source_pages
from tools.documentation.version_pages import VERSION_PAGES, version_page

__all__ = ["INCLUDED", "assets", "pages", "prepared"]

INCLUDED: Final = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
"""Pages of the site that are files of the repository."""
EXAMPLES: Final = "examples.md"
"""The page of all programs in `examples/`."""

_LINK: Final = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")
_COMMENT: Final = re.compile(r"^<!--.*?-->\n?", re.MULTILINE | re.DOTALL)
_FENCE: Final = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def assets() -> Iterator[Path]:
    """Yield the images and style sheets below `docs/`."""
    return (path for path in sorted((ROOT / "docs").rglob("*")) if path.suffix in {".css", ".png", ".svg"})


def pages() -> dict[str, str]:
    """Return the Markdown of every page of the site. Raises ValueError for a link to a file that is on no page."""
    made = {name: prepared(f"docs/{name}") for name in source_pages()}
    made |= {name: prepared(source) for name, source in INCLUDED.items()}
    made |= {name: version_page(module, title) for name, (module, title) in VERSION_PAGES.items()}
    made[EXAMPLES] = examples_page()
    return made


def prepared(source: str) -> str:
    """Return a Markdown file of the repository as a page of the site."""
    text = (ROOT / source).read_text(encoding="utf-8")
    parts = _FENCE.split(text)
    parts[::2] = [_LINK.sub(lambda link: moved(source, link), _COMMENT.sub("", part)) for part in parts[::2]]
    return "".join(parts).lstrip("\n")


def moved(source: str, link: re.Match[str]) -> str:
    """Return the target of a link in a file of the repository as it must be on the page made of that file."""
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["target"]))
    page, anchor = destination(wanted, link["anchor"] or "")
    if page is None:
        raise ValueError(f"expected {source} to link to a page of the site, got {link['target']!r}")
    return posixpath.relpath(page, posixpath.dirname(place_of(source)) or ".") + anchor


def destination(path: str, anchor: str) -> tuple[str | None, str]:
    """Return the page and the anchor at which a file of the repository is found; None if it is on no page."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/"), anchor
    if path == "README.md":  # its sections are not those of the home page
        return "README.md", ""
    if path.startswith("examples/") and (ROOT / path).is_file():
        return EXAMPLES, f"#{heading_id(path)}"
    return next((name for name, file in INCLUDED.items() if file == path), None), anchor


def place_of(source: str) -> str:
    """Return the name of the page made of a file of the repository."""
    return destination(source, "")[0] or source


# The examples


def examples_page() -> str:
    """Return a page with the text of each program in `examples/`."""
    files = sorted((ROOT / "examples").rglob("*.py"))
    head = "# Programs to copy\n\nThe tests of this project run each of them.\n"
    return head + "".join(example(path.relative_to(ROOT).as_posix()) for path in files)


def example(path: str) -> str:
    """Return the section of one program: its name, what it does, its text. Programs of nothing are left out."""
    code = (ROOT / path).read_text(encoding="utf-8")
    summary = (ast.get_docstring(ast.parse(code)) or "").partition("\n\n")[0]
    return f"\n## {path.removeprefix('examples/')}\n\n{summary}\n\n```python\n{code}```\n" if code.strip() else ""


def heading_id(path: str) -> str:
    """Return the anchor of a program's section."""
    return re.sub(r"[^\w\- ]", "", path.removeprefix("examples/")).lower()
