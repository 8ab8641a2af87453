"""The golden tables: the outcome of each input in each state, for each machine of the engine.

`tests/contracts/test_golden_tables.py` compares every cell with the code. `tools/build_docs.py` renders the tables.

A table maps a row to its cells. A row is an input, with a case after a colon if the outcome depends on one. A cell
belongs to one situation (a state, with details if needed) or to several, joined by ` | `. `any` stands for all of them.
It lists the actions from `poll`, in order, with `→ State` for `StateChanged`; or it is one of the `WORDS`.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from . import client, links, outbox, server, session

__all__ = ["EXPLAINED", "TABLES", "WORDS", "Table", "cells"]

Table: TypeAlias = Mapping[str, Mapping[str, str]]

WORDS: Final = {
    "ignored": "nothing changes and no action follows: the input is stale, late or about something that has ended",
    "noted": "the input is stored; its actions follow later",
    "misuse": "`handle` raises RuntimeError, TypeError, ValueError or StoreError and nothing changes",
}
TABLES: Final[Mapping[str, Table]] = {
    "Session": session.TABLE,
    "ClientEngine": client.TABLE,
    "ServerEngine": server.TABLE,
    "Outbox": outbox.TABLE,
    "ServerLink": links.SERVER,
    "ClientLink": links.CLIENT,
}
EXPLAINED: Final[Mapping[str, Mapping[str, str]]] = {
    "Session": session.SITUATIONS,
    "ClientEngine": client.SITUATIONS,
    "ServerEngine": server.SITUATIONS,
    "Outbox": outbox.SITUATIONS,
    "ServerLink": links.SERVER_SITUATIONS,
    "ClientLink": links.CLIENT_SITUATIONS,
}


def cells(table: Table, situations: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Expand a table to one entry per row and situation. Raises ValueError if a cell is defined twice."""
    spread: dict[tuple[str, str], str] = {}
    for row, outcomes in table.items():
        for names, outcome in outcomes.items():
            for name in situations if names == "any" else names.split(" | "):
                if (row, name) in spread:
                    raise ValueError(f"expected one cell for {row!r} in {name!r}, got two")
                spread[row, name] = outcome
    return spread
