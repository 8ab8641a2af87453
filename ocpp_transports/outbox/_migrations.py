"""Databases of older schemas: each step turns one version into the next, all in one transaction at the opening."""

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from ocpp_core.errors import StoreError

from ._tables import SCHEMA_VERSION

__all__ = ["MIGRATIONS", "expect_version", "migrate"]

MIGRATIONS: Final[Mapping[int, tuple[str, ...]]] = {}
"""By version, the statements that turn tables of that version into those of the next one.

A higher `SCHEMA_VERSION` needs a step, and a database of the version before in the tests. A step must not use the
statements of `SCHEMA`, which describe the newest version.
"""


def expect_version(path: Path, version: int) -> None:
    """Raise StoreError for a schema that only a newer version of the library can read."""
    if version > SCHEMA_VERSION:
        reason = f"its schema has version {version}, expected at most {SCHEMA_VERSION}"
        raise StoreError(f"cannot open the outbox {str(path)!r}: {reason}; use a newer version of this library")


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Turn the tables into those of `SCHEMA_VERSION`, durably, or leave them as they are.

    The version is read here again. The header of the file has an older one if a process was killed after a migration
    that is only in the log.

    Raises StoreError for a newer schema, sqlite3.Error if a step fails or none is known.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    expect_version(path, version)
    if version == SCHEMA_VERSION:
        return
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for older in range(version, SCHEMA_VERSION):
            _step(connection, older)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _step(connection: sqlite3.Connection, version: int) -> None:
    if version not in MIGRATIONS:
        raise sqlite3.DatabaseError(f"its schema has version {version}, which no version of this library wrote")
    for statement in MIGRATIONS[version]:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version + 1}")
