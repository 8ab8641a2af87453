"""Tasks that stand in sets in an order that each process repeats."""

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from typing import Any, TypeVar

__all__ = ["NumberedTask"]

T_co = TypeVar("T_co", covariant=True)


class NumberedTask(asyncio.Task[T_co]):
    """A task whose hash is its number.

    Task groups and runners keep their tasks in sets, and cancel them in the order of those. With the usual hash, made
    of the address in memory, each process has another order, and one seed more than one course of events.
    """

    def __init__(
        self,
        coro: Coroutine[Any, Any, T_co] | Generator[Any, None, T_co],
        number: int,
        *,
        loop: asyncio.AbstractEventLoop,
        name: str | None,
        context: Context | None,
    ) -> None:
        self._number = number  # first, because Task.__init__ adds the task to a set
        super().__init__(coro, loop=loop, name=name, context=context)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return self._number
