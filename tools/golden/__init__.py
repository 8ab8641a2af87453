"""The golden tables: what each machine of the engine does with each input in each state.

`tests/contracts/test_golden_tables.py` proves every cell against the code, `tools/build_docs.py` renders them.

A table maps a row to its cells. A row is an input, with the case after a colon where the outcome depends on one. A cell
belongs to one situation (a state, where needed with what is going on in it) or to several, joined by ` | `; `any` is
all of them. It lists what comes out of `poll`, in order, `→ State` being `StateChanged`; or it is one of the `WORDS`.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from . import client, links, server, session

__all__ = ["EXPLAINED", "TABLES", "WORDS", "Table", "cells"]

Table: TypeAlias = Mapping[str, Mapping[str, str]]

WORDS: Final = {
    "ignored": "nothing changes and nothing comes out: it is stale, late or about something that is over",
    "noted": "it is taken in; what comes of it comes out later",
    "misuse": "`handle` raises RuntimeError, TypeError or ValueError and nothing changes",
}
TABLES: Final[Mapping[str, Table]] = {
    "Session": session.TABLE,
    "ClientEngine": client.TABLE,
    "ServerEngine": server.TABLE,
    "ServerLink": links.SERVER,
    "ClientLink": links.CLIENT,
}
EXPLAINED: Final[Mapping[str, Mapping[str, str]]] = {
    "Session": session.SITUATIONS,
    "ClientEngine": client.SITUATIONS,
    "ServerEngine": server.SITUATIONS,
    "ServerLink": links.SERVER_SITUATIONS,
    "ClientLink": links.CLIENT_SITUATIONS,
}


def cells(table: Table, situations: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Spread a table out: one entry a row and situation. Raises ValueError where a cell is named twice."""
    spread: dict[tuple[str, str], str] = {}
    for row, outcomes in table.items():
        for names, outcome in outcomes.items():
            for name in situations if names == "any" else names.split(" | "):
                if (row, name) in spread:
                    raise ValueError(f"expected one cell for {row!r} in {name!r}, got two")
                spread[row, name] = outcome
    return spread
