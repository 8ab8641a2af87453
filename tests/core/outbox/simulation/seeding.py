"""A mistake of the outbox, seeded while a block runs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias
from unittest.mock import patch

from ocpp_core.outbox.ordering import room

Patch: TypeAlias = tuple[Any, str, Callable[..., Any] | property]
"""The owner, the name of its attribute, and the wrong one."""


@contextmanager
def mistaken(mistake: Iterable[Patch]) -> Iterator[None]:
    """Let the outbox make a mistake."""
    with ExitStack() as patches:
        for owner, attribute, replacement in mistake:
            if owner is room:  # imported by name
                patches.enter_context(patch("ocpp_core.outbox.outbox.victims", replacement))
            else:
                patches.enter_context(patch.object(owner, attribute, replacement))
        yield
