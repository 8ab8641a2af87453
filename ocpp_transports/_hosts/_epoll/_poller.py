"""One epoll for all plain TCP connections of a trio run, which one system task waits for. Linux only.

trio suspends and wakes a task for each wait, which costs more than the work for a short message. Here no connection has
a task. The kernel collects the sockets that are ready in an epoll of this library, trio waits until that epoll is
readable, and the poller's task calls the connections back, as asyncio does.

Readiness is level-triggered: while a socket has unread input, it stays ready. So a connection reads once for each call,
at most 64 KiB, and what is left makes it ready again, behind the others: the kernel's list is a ring. A connection that
pauses reading says so to the epoll, and a turn calls at most `MOST_READY` connections. Other tasks run between turns.

It guarantees that a connection is never called after `remove`, also within a turn that has its event already: each
event is looked up when it is due. Connections are added by tasks and never by a call of the poller, so no event of a
closed descriptor can reach a connection that got the same number. Descriptors must be removed before they are closed:
a copy of one in a forked process would keep it ready, and the task would never wait again.

The poller exists from the first connection of the run to the last one. Then it closes its epoll at once, without
waiting for its task. If the run ends before, it drops the connections that are left.
"""

import select
from typing import Final, Protocol

import trio

__all__ = ["MOST_READY", "Poller", "Watched", "current_poller"]

MOST_READY: Final = 256
"""Connections on trio that one turn of the event loop reads from; others that are ready are first in the next turn."""


class Watched(Protocol):
    """A connection as the poller sees it."""

    def ready(self, events: int, /) -> None:
        """Read or write; must not raise. The events are the kernel's `EPOLLIN`, `EPOLLOUT`, `EPOLLERR`, `EPOLLHUP`."""

    def abandon(self) -> None:
        """End the connection now, and remove it: the event loop ends. Must not raise."""


class Poller:
    """The connections of a trio run, by file descriptor."""

    __slots__ = ("_epoll", "_watched")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, Watched] = {}
        trio.lowlevel.spawn_system_task(self._serve)

    @property
    def has_ended(self) -> bool:
        """True after the last connection was removed; then there is a new poller for the next one."""
        return self._epoll.closed

    def add(self, descriptor: int, events: int, watched: Watched) -> None:
        """Call `watched` for these events, and for errors. Raises OSError if the kernel watches no more sockets."""
        try:
            self._epoll.register(descriptor, events)
            self._watched[descriptor] = watched
        finally:
            self._end_if_unused()

    def change(self, descriptor: int, events: int) -> None:
        """Call for these events from now on, and for errors."""
        self._epoll.modify(descriptor, events)

    def remove(self, descriptor: int) -> None:
        """Call no more; the descriptor must still be open."""
        del self._watched[descriptor]
        self._epoll.unregister(descriptor)
        self._end_if_unused()

    def _end_if_unused(self) -> None:
        if not self._watched:
            trio.lowlevel.notify_closing(self._epoll.fileno())
            self._epoll.close()

    async def _serve(self) -> None:
        try:
            while not self._epoll.closed:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                self._call_ready()
        except trio.ClosedResourceError:
            return
        finally:
            for watched in tuple(self._watched.values()):  # the run ends, and trio has cancelled this task
                watched.abandon()

    def _call_ready(self) -> None:
        if self._epoll.closed:  # by another task, after this one was woken
            return
        for descriptor, events in self._epoll.poll(0, MOST_READY):
            watched = self._watched.get(descriptor)
            if watched is not None:
                watched.ready(events)


_current: Final[trio.lowlevel.RunVar[Poller]] = trio.lowlevel.RunVar("ocpp_transports_poller")


def current_poller() -> Poller:
    """Return the poller of this trio run, a new one if there is none. Raises OSError without a free descriptor."""
    try:
        poller = _current.get()
    except LookupError:
        poller = None
    if poller is None or poller.has_ended:
        poller = Poller()
        _current.set(poller)
    return poller
