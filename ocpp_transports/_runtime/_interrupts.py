"""SIGINT and SIGTERM as awaitables on every event loop, so that a server closes before its program ends."""

import signal
import threading
from functools import partial
from types import FrameType, TracebackType
from typing import Any, Final, Self

import anyio

from ocpp_transports._runtime._current import caller_from_outside

__all__ = ["Interrupts"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Receives both signals inside its block; afterwards the previous handlers receive them.

    Only the main thread of a program may receive signals (`signal.signal`); in other threads none arrive.
    """

    def __init__(self) -> None:
        self._soon = caller_from_outside()
        self._theirs: dict[int, Any] = {}
        self._received: list[int | None] = []
        self._changed = anyio.Event()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._theirs[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number in tuple(self._theirs):
            self._give_back(number)

    def _give_back(self, number: int) -> None:
        theirs = self._theirs.pop(number, None)
        if signal.getsignal(number) == self._note:
            signal.signal(number, signal.SIG_DFL if theirs is None else theirs)

    def _note(self, number: int, _: FrameType | None) -> None:
        """Receive a signal, between any two instructions of the program: the event loop has to be woken for it."""
        self._soon(partial(self._notify, number))

    def _notify(self, number: int | None) -> None:
        self._received.append(number)
        self._changed.set()

    def wake(self) -> None:
        """Let `next` return None: there is no more need to wait."""
        self._notify(None)

    async def next(self) -> int | None:
        """Wait for a signal; return its number, None after `wake`."""
        while not self._received:
            self._changed = anyio.Event()
            await self._changed.wait()
        return self._received.pop(0)

    def hand_on(self, number: int) -> None:
        """Let a signal have its normal effect; it is no longer received here."""
        self._give_back(number)
        signal.raise_signal(number)
