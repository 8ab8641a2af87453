"""The attempts of one call: when the next one follows, with which message ID, and which error the caller gets.

An attempt that timed out is repeated with a new message ID: some peers refuse an ID that is repeated on a connection.
One that a lost connection cut off is repeated with its ID: a peer that remembers its responses then acts once.
"""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from random import Random

from ocpp_core.backoff import retry_delay
from ocpp_core.config import IdFactory
from ocpp_core.errors import (
    ConnectionLostError,
    OCPPError,
    TimeoutError,  # ours, a subclass of the builtin
)

from ._call_options import CallOptions

__all__ = ["Attempts"]


class Attempts:
    """The attempts of one call, which begins at `now`. All times are monotonic seconds."""

    def __init__(self, options: CallOptions, *, ids: IdFactory, random: Callable[[], Random], now: float) -> None:
        self.end: float = now + (inf if options.deadline is None else options.deadline)
        """When the call fails, whatever it waits for."""
        self._options = options
        self._ids = ids
        self._make_random = random
        self._random: Random | None = None  # made when needed: most calls are not repeated
        self._expires = now + (inf if options.ttl is None else options.ttl)
        self._repeated = 0
        self._message_id = options.message_id
        self._failed: OCPPError | None = None
        self._doubt: OCPPError | None = None
        self._is_over = False

    def next(self, now: float) -> CallOptions:
        """Return the options of the attempt that begins now; raise the error of the call if it is too late.

        The message ID is chosen here if the response will be checked or the attempt repeated: both need it.
        """
        options = self._options
        if self._failed is not None and now >= min(self._expires, self.end):
            raise self.final(self._failed)
        if self._message_id is None and (options.check is not None or options.deadline is not None):
            self._message_id = self._ids()
        is_first = self._failed is None
        ttl = options.ttl if is_first or options.ttl is None else self._expires - now
        if (options.message_id, options.ttl) == (self._message_id, ttl):
            return options
        return replace(options, message_id=self._message_id, ttl=ttl)

    def pause_after(self, error: OCPPError, now: float) -> float:
        """Return the seconds to wait before the next attempt; raise the error of the call if there is none."""
        is_lost = isinstance(error, ConnectionLostError)
        is_repeated = self._options.retry_lost if is_lost else isinstance(error, TimeoutError) and error.sent
        if self._is_over or not is_repeated or self._repeated >= self._options.retries:
            raise self.final(error)
        self._repeated += 1
        self._failed = error
        if getattr(error, "sent", True):
            self._doubt = error
        if not is_lost:
            self._message_id = self._options.message_id
        self._random = self._random or self._make_random()
        pause = retry_delay(self._repeated, self._options.retry_delay, self._options.retry_max_delay, self._random)
        if now + pause >= min(self._expires, self.end):
            raise self.final(error)
        return pause

    def final(self, error: OCPPError) -> OCPPError:
        """Return the error of the call: that of an attempt that may have arrived, if this one was not sent."""
        if self._doubt is None or getattr(error, "sent", True):
            return error
        self._doubt.__cause__ = error
        return self._doubt

    def overdue(self, action: str, *, sent: bool) -> OCPPError:
        """Return the error of a call whose deadline has passed; `sent` is True if its last attempt was written."""
        self._is_over = True
        is_sent = sent or self._doubt is not None
        text = f"no response to {action} within its deadline of {self._options.deadline:.15g} s"
        return TimeoutError(text, sent=is_sent, message_id=self._message_id if is_sent else None)
