"""Generates the reference page of the messages of each OCPP version: who sends them, and what they contain."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ocpp_core.action_names import SENDERS
from ocpp_core.validation._bundles import read_bundle
from tools.declarations import table

__all__ = ["messages_page"]

HEAD: Final = """
# OCPP messages

The actions of each version, with the members of their payloads; those that the schema requires are **bold**. Strict
mode checks payloads against these schemas, see [Strict mode](../strict-mode.md). A server raises an error for a handler
of an action that only a central system sends, and a client for one that only a station sends.
"""
TITLES: Final = {"ocpp1.6": "OCPP 1.6", "ocpp2.0.1": "OCPP 2.0.1", "ocpp2.1": "OCPP 2.1"}
WORDS: Final = {"station": "station", "csms": "central system", "either": "both"}
"""What the page calls the senders."""


def messages_page() -> str:
    """Return the page, with a table for each version."""
    head = ("Action", "Sent by", "Request", "Response")
    parts = [HEAD.lstrip("\n")]
    for protocol, title in TITLES.items():
        parts += [f"\n## {title}\n\n", table(head, rows(protocol))]
    return "".join(parts)


def rows(protocol: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield action, sender and the members of request and response. A SEND has no response."""
    for action, kinds in sorted(read_bundle(protocol)["actions"].items()):
        request = kinds.get("call") or kinds["send"]
        response = members(kinds["result"]) if "result" in kinds else "none: it is a SEND"
        yield f"`{action}`", WORDS[SENDERS[protocol][action]], members(request), response


def members(schema: Mapping[str, Any]) -> str:
    """Return the members of a payload, required ones first."""
    required = set(schema.get("required", ()))
    names = sorted(schema.get("properties", ()), key=lambda name: (name not in required, name.lower()))
    shown = (f"**{name}**" if name in required else name for name in names if name != "customData")
    return ", ".join(shown) or "empty"
