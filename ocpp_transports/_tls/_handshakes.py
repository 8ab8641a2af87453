"""The TLS handshakes of one listener: bounded in number and time, and none fails without a word."""

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
from ._reasons import server_reason

__all__ = ["CROWDED_TIMEOUT", "TLSHandshakes"]

_FAILED: Final = "TLS handshake failed"
CROWDED_TIMEOUT: Final = 5.0
"""Seconds a handshake may take while others wait for its place; then it is ended."""


class TLSHandshakes:
    """The handshakes in progress; each is of a connection, which ends it when it is closed.

    Until its handshake is done a connection is nobody's, and on asyncio each costs 300 KB. So there are at most
    `rules.max_tls_handshakes`; connections beyond wait in the listener's backlog. As peers that say nothing would keep
    all others waiting, the oldest handshake then has `CROWDED_TIMEOUT` instead of `rules.tls_timeout`.
    """

    def __init__(self, context: SSLContext, rules: AcceptRules, now: Callable[[], float]) -> None:
        self.context = context
        self._rules = rules
        self._now = now
        self._begun: dict[Closable, float] = {}
        self._place = anyio.Event()

    @property
    def timeout(self) -> float:
        """Seconds a handshake may take."""
        return self._rules.tls_timeout

    @property
    def is_full(self) -> bool:
        """Return True if no further handshake may begin."""
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
                self._leave(oldest)
                oldest.close(abort=True)

    def begin(self, connection: Closable) -> None:
        """Note that a connection was accepted."""
        self._begun[connection] = self._now()

    @contextmanager
    def handshake(self, connection: Closable, accepted: socket | None, address: str | None) -> Iterator[None]:
        """Do the handshake within this block; its failure is reported and goes no further.

        The error loses its traceback, which leads through all that the handshake was done with, in a circle: on asyncio
        300 KB that only a full garbage collection would find.
        """
        try:
            with sending_alerts(self.context, accepted):
                yield
        except Exception as error:  # whatever it is, nobody else is to be told
            self._failed(address, error.with_traceback(None))
        except BaseException:  # cancelled, unless the server closes to make room
            if connection not in self._begun:
                self._failed(address, TimeoutError("others waited for its place"))
            raise
        finally:
            self._leave(connection)

    def _failed(self, address: str | None, error: Exception) -> None:
        self._rules.failed(_FAILED, ConnectionFailedEvent(address, server_reason(error), error))

    def _leave(self, connection: Closable) -> None:
        self._begun.pop(connection, None)
        self._place.set()
