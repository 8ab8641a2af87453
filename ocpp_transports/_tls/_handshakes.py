"""The TLS handshakes of one listener: bounded in number and time, and every failure is reported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from ssl import SSLContext
from typing import Final

import anyio

from ocpp_transports._driver._accepting import AcceptRules
from ocpp_transports._driver._interfaces import Closable
from ocpp_transports.events import ConnectionFailedEvent

from ._alerts import sending_alerts
from ._reasons import TLS_FAILED, server_reason

__all__ = ["CROWDED_TIMEOUT", "TLSHandshakes"]

CROWDED_TIMEOUT: Final = 5.0
"""Seconds a handshake may take while others wait for its place; then it is ended."""


class TLSHandshakes:
    """The handshakes in progress; each belongs to a connection, and closing the connection ends it.

    Until its handshake ends, a connection belongs to no station, and on asyncio each costs 300 KB. So at most
    `rules.max_tls_handshakes` run; further connections wait in the listener's backlog. Silent peers would block all
    others, so the oldest handshake then has `CROWDED_TIMEOUT` instead of `rules.tls_timeout`.
    """

    def __init__(self, context: Callable[[], SSLContext], rules: AcceptRules, now: Callable[[], float]) -> None:
        self._context = context
        self._rules = rules
        self._now = now
        self._begun: dict[Closable, float] = {}
        self._place = anyio.Event()

    @property
    def context(self) -> SSLContext:
        """The context of a handshake that begins now; another one later if the certificates were renewed."""
        return self._context()

    @property
    def timeout(self) -> float:
        """Seconds a handshake may take."""
        return self._rules.tls_timeout

    @property
    def is_full(self) -> bool:
        """True if no further handshake may begin."""
        return len(self._begun) >= self._rules.max_tls_handshakes

    async def until_room(self) -> None:
        """Wait until another handshake may begin."""
        while self.is_full:
            oldest, since = next(iter(self._begun.items()))
            patience = since + CROWDED_TIMEOUT - self._now()
            if patience > 0:
                self._place = anyio.Event() if self._place.is_set() else self._place
                with anyio.move_on_after(patience):
                    await self._place.wait()
            else:
                self.leave(oldest)
                oldest.close(abort=True)

    def begin(self, connection: Closable) -> None:
        """Note that a connection was accepted."""
        self._begun[connection] = self._now()

    @contextmanager
    def handshake(
        self, connection: Closable, accepted: socket | None, address: str | None, *, is_check: bool = False
    ) -> Iterator[None]:
        """Do the handshake within this block; its failure is reported and not raised, that of a health check neither.

        The traceback of the error is removed: it forms a reference cycle with the handshake, on asyncio 300 KB that
        only a full garbage collection would find.
        """
        try:
            with sending_alerts(self.context, accepted):
                yield
        except Exception as error:  # every failure is reported here and not raised
            if not is_check:
                self._failed(address, error.with_traceback(None))
        except BaseException:  # cancelled, unless the server closes to make room
            if connection not in self._begun:
                self._failed(address, TimeoutError("others waited for its place"))
            raise
        finally:
            self.leave(connection)

    def _failed(self, address: str | None, error: Exception) -> None:
        self._rules.failed(TLS_FAILED, ConnectionFailedEvent(address, server_reason(error), error))

    def leave(self, connection: Closable) -> None:
        """Note that the handshake of a connection has ended, or that there will be none. Idempotent."""
        self._begun.pop(connection, None)
        self._place.set()
