"""Ctrl-C and SIGTERM for a thread that blocks, and the closing of a client or server that they may interrupt."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

__all__ = ["close_block", "interrupts"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class _Close(Protocol):
    def __call__(self, *, force: bool = False, await_pending: bool = True) -> object:
        """Close a client or server."""


@contextmanager
def interrupts() -> Iterator[None]:
    """Let both signals raise KeyboardInterrupt inside this block; only the main thread receives signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, signal.default_int_handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def close_block(close: _Close, *, failed: bool) -> None:
    """Close at the end of a block, which may have failed; drop all connections if closing is interrupted."""
    try:
        close(await_pending=not failed)
    except BaseException:
        close(force=True)
        raise
