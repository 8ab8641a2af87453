"""Pages with every message and type of an OCPP version, made of the generated modules `ocpp_core.v16` to `v21`.

They are made when the site is built: in the repository, the modules themselves are the reference.
"""

import re
from collections.abc import Iterator
from typing import Final

import griffe

from tools.declarations import table
from tools.documentation.objects import members, resolved

__all__ = ["VERSION_PAGES", "version_page"]

VERSION_PAGES: Final = {
    "reference/ocpp16.md": ("v16", "OCPP 1.6"),
    "reference/ocpp201.md": ("v201", "OCPP 2.0.1"),
    "reference/ocpp21.md": ("v21", "OCPP 2.1"),
}
"""Module and title of each page."""
HEAD: Final = """# Messages of {title}

`from ocpp_core import {module}` has each message as a class, such as `{module}.BootNotification`, the payload of its
request (`{module}.BootNotificationRequest`), that of its response (`{module}.BootNotificationResponse`), and every type
in them. `{module}.models` has the same payloads as classes with attributes in snake_case. Required members are
**bold**; every object may have `customData` as well, where the schema of its version allows it.
"""
SENT: Final = {
    "station": "Sent by the station.",
    "csms": "Sent by the central system.",
    "either": "Sent by either side.",
}


def version_page(module: str, title: str) -> str:
    """Return the page of a version."""
    public = dict(members(resolved(f"ocpp_core.{module}")))
    messages = {name: each for name, each in public.items() if isinstance(each, griffe.Class) and is_message(each)}
    payloads = {f"{name}{kind}" for name in messages for kind in ("Request", "Response")}
    parts = [HEAD.format(module=module, title=title)]
    parts += [message_section(name, each, public) for name, each in messages.items()]
    parts.append("\n## Types\n")
    parts += [
        type_section(name, each, public)
        for name, each in public.items()
        if name not in messages and name not in payloads and not each.is_module
    ]
    return "".join(parts)


def is_message(found: griffe.Class) -> bool:
    """Return True for the class of a message; the others are types of payloads."""
    return any(str(base).startswith("Message[") for base in found.bases)


def message_section(name: str, found: griffe.Class, public: dict[str, griffe.Object]) -> str:
    """Return what a page says about a message."""
    parts = [f"\n## {name}\n\n{docstring(found)} {SENT[value_of(found.members['sender']).strip(chr(39))]}\n"]
    payloads = {kind: public.get(f"{name}{kind}") for kind in ("Request", "Response")}
    parts += [f"\n**{kind}**\n\n{member_table(each, public)}" for kind, each in payloads.items() if each is not None]
    return "".join(parts)


def type_section(name: str, found: griffe.Object, public: dict[str, griffe.Object]) -> str:
    """Return what a page says about a type: its members, or the values of an enumeration."""
    if found.is_class:
        contents = member_table(found, public)
    else:
        values = re.findall(r"'([^']+)'", value_of(found)) or [value_of(found)]
        contents = ", ".join(f"`{value}`" for value in values) + "\n"
    return "\n\n".join(part for part in (f"\n### {name}", docstring(found), contents) if part)


def value_of(found: griffe.Object | griffe.Alias) -> str:
    """Return the value of an attribute, or the type that an alias stands for, as text."""
    if not isinstance(found, griffe.Attribute | griffe.TypeAlias):
        raise TypeError(f"expected an attribute, got {found.path}")
    return str(found.value)


def docstring(found: griffe.Object) -> str:
    """Return the docstring of an object as one line."""
    return " ".join(found.docstring.value.split()) if found.docstring else ""


def member_table(payload: griffe.Object, public: dict[str, griffe.Object]) -> str:
    """Return the members of an object as a table, or the word for none."""
    rows = list(member_rows(payload, public))
    return table(("Member", "Type", ""), rows) if rows else "No members.\n"


def member_rows(payload: griffe.Object, public: dict[str, griffe.Object]) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and docstring of each member of an object, without customData."""
    for name, each in members(payload):
        if isinstance(each, griffe.Attribute) and name != "customData":
            optional = re.fullmatch(r"NotRequired\[(.+)\]", str(each.annotation))
            kind = optional[1] if optional else str(each.annotation)
            yield name if optional else f"**{name}**", linked_type(kind, public), docstring(each)


def linked_type(kind: str, public: dict[str, griffe.Object]) -> str:
    """Return a type in words. A type of the page is a link."""
    if (items := re.fullmatch(r"list\[(.+)\]", kind)) is not None:
        return f"list of {linked_type(items[1], public)}"
    return f"[{kind}](#{kind.lower()})" if kind in public else f"`{kind}`"
