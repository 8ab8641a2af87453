"""Mistakes: wrong methods in the place of right ones."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias
from unittest.mock import patch

Patch: TypeAlias = tuple[Any, str, Callable[..., Any]]
"""The owner, the name of its method, and the wrong one."""
Mistakes: TypeAlias = Mapping[str, tuple[Patch, ...]]
"""What may be wrong, by name."""


def nothing(*_: Any, **__: Any) -> None:
    """Do not do it."""


@contextmanager
def mistaken(patches: tuple[Patch, ...]) -> Iterator[None]:
    """Seed a mistake while a block runs."""
    with ExitStack() as stack:
        for owner, attribute, replacement in patches:
            stack.enter_context(patch.object(owner, attribute, replacement))
        yield
