"""The rates at which the CALLs and SENDs of a connection reach the application, and those that wait for their turn.

A request takes a token of each bucket that counts it: that of its connection (`inbound_rate`), that of its action
(`action_rates`), and one that connections share, for example all of an address. Responses to this side's calls never
count. A request that must wait takes its tokens in advance. Its time is then certain, no later request overtakes one
that waits for the same bucket, and connections that share a bucket have their turns in the order of arrival.
"""

from math import inf
from typing import NamedTuple

from ocpp_core.actions import Dispatch
from ocpp_core.config import SessionConfig
from ocpp_core.limits import Bucket, TokenBucket, buckets_of
from ocpp_core.messages import utf8_length
from ocpp_core.timers import Timers

__all__ = ["InboundRate"]


class _Delayed(NamedTuple):
    due: float
    """Time in seconds of its turn."""
    shared_due: float
    """The same as far as the shared bucket decides, which does not change with the config."""
    request: Dispatch


class InboundRate:
    """The token buckets of one connection, and the requests that wait, with a timer for the next one."""

    __slots__ = ("_actions", "_delayed", "_limits", "_own", "_shared", "_size", "_timers")

    def __init__(self, config: SessionConfig, timers: Timers, shared: Bucket | None) -> None:
        self._limits = _limits_of(config)
        own = () if config.inbound_rate == inf else (TokenBucket(config.inbound_rate, config.inbound_burst),)
        self._own: tuple[TokenBucket, ...] = own
        actions = buckets_of(config.action_rates, config.inbound_burst)
        self._actions = {action: (*own, bucket) for action, bucket in actions.items()}
        self._shared = shared
        self._timers = timers
        self._delayed: list[_Delayed] = []
        self._size = 0

    @classmethod
    def of(
        cls, config: SessionConfig, timers: Timers, shared: Bucket | None, before: "InboundRate | None" = None
    ) -> "InboundRate | None":
        """Return the limits of a config, or None without any.

        `before` is kept if it has the same limits.
        """
        if before is not None and before._limits == _limits_of(config):
            return before
        if config.inbound_rate == inf and not config.action_rates and shared is None:
            return None
        return cls(config, timers, shared)

    def __len__(self) -> int:
        """Return the number of requests that wait."""
        return len(self._delayed)

    def ready_at(self, action: str, now: float) -> float:
        """Return the time from which a request may pass, `now` or earlier if it may; `inf` if it must not wait."""
        ready_at = self._shared_ready_at(now)
        for bucket in self._own_buckets(action):  # without `max`, because every request asks
            if (at := bucket.ready_at(now)) > ready_at:
                ready_at = at
        return ready_at

    def is_own_excess(self, action: str, now: float) -> bool:
        """Return True if this connection alone exceeds a limit, and not only those that share a bucket with it."""
        return any(bucket.ready_at(now) > now for bucket in self._own_buckets(action))

    def take(self, action: str, now: float) -> None:
        """Take the tokens of a request."""
        if self._shared is not None:
            self._shared.take(now)
        for bucket in self._own_buckets(action):
            bucket.take(now)

    def has_room(self, config: SessionConfig) -> bool:
        """Return True if one more request may wait; a single one may exceed the limit of bytes."""
        return len(self._delayed) < config.max_delayed and self._size < config.max_held_bytes

    def delay(self, request: Dispatch, now: float) -> None:
        """Let a request wait for its turn."""
        self._add(_Delayed(self.ready_at(request.action, now), self._shared_ready_at(now), request))
        self.take(request.action, now)

    def take_over(self, before: "InboundRate", now: float) -> list[Dispatch]:
        """Let the requests that wait by former limits wait by these, and return those whose turn it is."""
        for _, shared_due, request in before._delayed:
            own = self._own_buckets(request.action)
            self._add(_Delayed(max([shared_due, *(bucket.ready_at(now) for bucket in own)]), shared_due, request))
            for bucket in own:
                bucket.take(now)
        before.due(inf)
        return self.due(now)

    def _add(self, delayed: _Delayed) -> None:
        self._delayed.append(delayed)
        self._size += utf8_length(delayed.request.text)
        self._arm()

    def call(self, message_id: str) -> Dispatch | None:
        """Return the CALL with this ID that waits, or None."""
        for _, _, request in self._delayed:
            if request.message_id == message_id and request.expects_reply:
                return request
        return None

    def due(self, now: float) -> list[Dispatch]:
        """Remove and return the requests whose turn it is, in the order of arrival; at `inf` all of them."""
        due = [delayed.request for delayed in self._delayed if delayed.due <= now]
        if due:
            self._delayed = [delayed for delayed in self._delayed if delayed.due > now]
            self._size -= sum(utf8_length(request.text) for request in due)
        self._arm()
        return due

    def _shared_ready_at(self, now: float) -> float:
        return -inf if self._shared is None else self._shared.ready_at(now)

    def _own_buckets(self, action: str) -> tuple[TokenBucket, ...]:
        """Return the buckets of this connection that count an action."""
        return self._actions.get(action, self._own)

    def _arm(self) -> None:
        self._timers.set(self, min((delayed.due for delayed in self._delayed), default=inf))


def _limits_of(config: SessionConfig) -> tuple[object, ...]:
    return config.inbound_rate, config.inbound_burst, dict(config.action_rates)
