"""The public objects, as the static analysis of griffe reads them, and the page that documents each of them."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

import griffe

from tools.documentation.sources import ROOT, source_pages

__all__ = ["PACKAGES", "directives", "documented", "loaded", "members", "named", "resolved"]

PACKAGES: Final = ("ocpp_core", "ocpp_transports", "ocpp_apps")
COMPAT: Final = "ocpp_transports.compat."
_DIRECTIVE: Final = re.compile(r"^::: (?P<path>\S+)$", re.MULTILINE)


@cache
def loaded() -> dict[str, griffe.Module]:
    """Return the packages by name."""
    loader = griffe.GriffeLoader(search_paths=[ROOT], docstring_parser=griffe.Parser.google)
    found = {name: loader.load(name) for name in PACKAGES}
    loader.resolve_aliases(implicit=False, external=False)
    return {name: each for name, each in found.items() if isinstance(each, griffe.Module)}


def directives() -> Iterator[tuple[str, str]]:
    """Yield page and path of every object that a page asks mkdocstrings for."""
    for page in source_pages():
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        yield from ((page, match["path"]) for match in _DIRECTIVE.finditer(text))


def resolved(path: str) -> griffe.Object:
    """Return the object with a path, as `ocpp_core.Session`. Raises KeyError if there is none."""
    package, *names = path.split(".")
    found: griffe.Object = loaded()[package]
    for name in names:
        found = final(found.all_members[name])
    return found


def final(found: griffe.Object | griffe.Alias) -> griffe.Object:
    """Return an object itself for a name under which it is imported or inherited."""
    target = found.final_target if isinstance(found, griffe.Alias) else found
    if not isinstance(target, griffe.Object):
        raise TypeError(f"expected an object of these packages, got {found.path}")
    return target


def members(found: griffe.Object) -> Iterator[tuple[str, griffe.Object]]:
    """Yield the public members of a module or class, inherited ones included, with their names.

    What a module exports of other packages is not ours to document.
    """
    if found.is_module:
        yield from ((name, final(each)) for name, each in exported(found).items() if not is_foreign(each))
    elif found.is_class:
        yield from ((name, final(each)) for name, each in found.all_members.items() if not name.startswith("_"))


def is_foreign(found: griffe.Object | griffe.Alias) -> bool:
    """Return True for a name that is imported from another package."""
    return isinstance(found, griffe.Alias) and found.target_path.partition(".")[0] not in PACKAGES


def exported(module: griffe.Object) -> dict[str, griffe.Object | griffe.Alias]:
    """Return the names in `__all__`, with what they stand for."""
    names = (str(name) for name in module.exports or ())
    return {name: module.members[name] for name in names if name in module.members}


@cache
def documented() -> dict[str, str]:
    """Return the anchors of all objects on the pages, by canonical path. One without a docstring is not shown.

    An inherited member is on the pages of several classes: the anchor is that of the class with the fewest bases.
    """
    found: dict[str, list[str]] = {}
    for _, path in directives():
        for anchor, each in shown(path, resolved(path)):
            found.setdefault(each.canonical_path, []).append(anchor)
    return {path: min(anchors, key=bases_of_owner) for path, anchors in found.items()}


def bases_of_owner(anchor: str) -> int:
    """Return how many bases the class has that an anchor is a member of; 0 if it is not a member of a class."""
    owner = resolved(anchor.rpartition(".")[0])
    return len(owner.mro()) if isinstance(owner, griffe.Class) else 0


@cache
def named() -> dict[str, str]:
    """Return the canonical paths of the documented objects that belong to no class, by name.

    `ocpp_transports.compat` has names of its own that others have too: those of the others count.
    """
    objects = [found for _, path in directives() for _, found in shown(path, resolved(path))]
    objects.sort(key=lambda found: not found.path.startswith(COMPAT))
    return {found.name: found.canonical_path for found in objects if found.parent is None or found.parent.is_module}


def shown(path: str, found: griffe.Object) -> Iterator[tuple[str, griffe.Object]]:
    """Yield anchor and object of everything that a directive shows; of a module, its members."""
    if found.has_docstring and not found.is_module:
        yield path, found
    for name, member in members(found):
        if member.is_module:
            continue
        if member.is_class and found.is_module:
            yield from shown(f"{path}.{name}", member)
        elif member.has_docstring:
            yield f"{path}.{name}", member
