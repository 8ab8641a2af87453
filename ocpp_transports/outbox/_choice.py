"""The store that the option `offline_queue` chooses."""

from os import PathLike, fspath
from typing import TypeAlias

from ._interface import OutboxStore
from ._memory import MemoryStore

__all__ = ["StoreChoice", "expect_store_choice", "store_of"]

StoreChoice: TypeAlias = bool | str | PathLike[str] | OutboxStore
"""The values of the option."""


def expect_store_choice(choice: object) -> None:
    """Raise TypeError for anything but a bool, a path or a store, and ValueError for an empty path."""
    if isinstance(choice, bool):
        return
    if isinstance(choice, (str, PathLike)):
        path = fspath(choice)
        if not isinstance(path, str) or not path:
            raise ValueError(f"expected offline_queue as the path of a file, got {path!r}")
        return
    is_store = all(callable(getattr(choice, name, None)) for name in ("open", "submit", "close"))
    if isinstance(choice, type) or not is_store:
        got = choice.__name__ if isinstance(choice, type) else type(choice).__name__
        raise TypeError(f"expected offline_queue as bool, a path or a store such as SQLiteStore(path), got {got}")


def store_of(choice: StoreChoice) -> OutboxStore:
    """Return the store of a choice other than False. Nothing is written before the store is opened."""
    if isinstance(choice, bool):
        return MemoryStore()
    if isinstance(choice, (str, PathLike)):
        from ._sqlite import SQLiteStore  # loaded only when used: a browser has no threads

        return SQLiteStore(choice)
    return choice
