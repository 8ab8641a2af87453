"""The event loop threads of the process: one for each kind of loop, shared by everything that is open.

One thread serves a server and hundreds of clients as well as an asynchronous program does. The first client or server
that opens starts it, the last one that closes ends it. What is still open when the interpreter exits is closed then,
after all threads that keep the program running have ended.
"""

import atexit
import os
import threading
from time import monotonic
from typing import Final, Protocol

from ocpp_transports._server._lifecycle._serving import Loop

from ._loop import LoopThread

__all__ = ["THREADS"]


AT_EXIT: Final = 1.0
"""Seconds that all clients and servers together have to close when the interpreter exits; then they are dropped."""


class _User(Protocol):
    """A client or server that uses a thread."""

    def end_functions(self) -> None:
        """Call functions of the application in threads no more."""

    def close_at_exit(self, max_wait: float) -> None:
        """Close within a few times `max_wait` seconds, whatever its peers do; must not raise."""


class _LoopThreads:
    """The threads that run, and their users."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[Loop, LoopThread] = {}
        self._users: dict[LoopThread, set[_User]] = {}
        atexit.register(self._close_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def join(self, loop: Loop, user: _User) -> LoopThread:
        """Return the thread with this loop for one more user; starts it if needed. Raises the errors of its start."""
        with self._lock:
            thread = self._threads.get(loop)
            if thread is None or thread.has_ended:
                thread = self._threads[loop] = LoopThread(loop)
            self._users.setdefault(thread, set()).add(user)
            return thread

    def leave(self, thread: LoopThread, user: _User, max_wait: float) -> None:
        """Note that a user is done; after the last one the thread ends, within `max_wait` seconds."""
        with self._lock:
            users = self._users.get(thread)
            if users is None:
                return
            users.discard(user)
            if users:
                return
            del self._users[thread]
            self._threads = {loop: other for loop, other in self._threads.items() if other is not thread}
        thread.stop(max_wait)

    def _close_all(self) -> None:
        until = monotonic() + AT_EXIT
        open_users = [user for users in tuple(self._users.values()) for user in tuple(users)]
        for user in open_users:
            user.end_functions()  # of all, before the end of one is an event for another one
        for user in open_users:
            user.close_at_exit(max(until - monotonic(), AT_EXIT / 100))

    def _forget(self) -> None:
        """Start afresh in a forked process, where none of the threads runs."""
        self._lock = threading.Lock()
        self._threads = {}
        self._users = {}


THREADS: Final = _LoopThreads()
