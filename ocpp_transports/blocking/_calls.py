"""Calls that block: the calling side of a client, and of a server's handle on a station."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Literal, Unpack, overload

from ocpp_core.errors import (
    ClosedError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_transports._handlers._caller import CallKeywords, Params
from ocpp_transports._peer._peer import Peer

from ._threads._bridge import Bridge

__all__ = ["BlockingCallMixin", "call_options", "safe"]


def call_options(bridge: Bridge, options: CallKeywords) -> CallKeywords:
    """Return the options of a call; a `check` that is a plain function runs in a thread, since it may block."""
    check = options.get("check")
    return options if check is None else {**options, "check": bridge.in_thread(check, "check", "payload")}


def safe(call: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return the result of a safe call, and None if the wait for it ended early."""
    try:
        return call()
    except (ClosedError, TimeoutError):
        return None


class BlockingCallMixin:
    """The calling side of a peer."""

    _wrapped: Peer
    _bridge: Bridge

    @overload
    def call(
        self, action: str, params: Params = ..., /, *, max_wait: float = ..., **options: Unpack[CallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    def call(
        self,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords],
    ) -> dict[str, Any]: ...
    def call(self, *args: Any, max_wait: float = inf, **options: Unpack[CallKeywords]) -> dict[str, Any]:
        """Call the peer, and return the payload of its CALLRESULT; see `Peer.call`.

        `timeout` limits the wait from the write to the response, `ttl` the wait from now to the write. `max_wait`
        limits the whole of it, with all retries: then the call is abandoned. All are seconds. A `check` that is a plain
        function runs in a thread and may block.

        Raises the errors of `Peer.call`, and TimeoutError with `sent=True` after `max_wait` seconds.
        """
        result: dict[str, Any] = self._call(self._wrapped.call, args, options, max_wait)
        return result

    @overload
    def call_immediate(
        self, action: str, params: Params = ..., /, *, max_wait: float = ..., **options: Unpack[CallKeywords]
    ) -> dict[str, Any]: ...
    @overload
    def call_immediate(
        self,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords],
    ) -> dict[str, Any]: ...
    def call_immediate(self, *args: Any, max_wait: float = inf, **options: Unpack[CallKeywords]) -> dict[str, Any]:
        """Call ahead of the queued calls, within the window of outstanding CALLs; otherwise like `call`."""
        result: dict[str, Any] = self._call(self._wrapped.call_immediate, args, options, max_wait)
        return result

    @overload
    def safe_call(
        self, action: str, params: Params = ..., /, *, max_wait: float = ..., **options: Unpack[CallKeywords]
    ) -> dict[str, Any] | None: ...
    @overload
    def safe_call(
        self,
        protocol: str,
        action: str,
        params: Params = ...,
        /,
        *,
        max_wait: float = ...,
        **options: Unpack[CallKeywords],
    ) -> dict[str, Any] | None: ...
    def safe_call(self, *args: Any, max_wait: float = inf, **options: Unpack[CallKeywords]) -> dict[str, Any] | None:
        """Call, and return None if the call fails; the failure is logged unless it is a timeout.

        Bad arguments still raise.
        """
        return safe(lambda: self._call(self._wrapped.safe_call, args, options, max_wait))

    def notify(
        self,
        action: str,
        params: Params,
        /,
        *,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
        max_wait: float = inf,
    ) -> None:
        """Send a SEND (OCPP 2.1); return when it is written, because a SEND has no response; see `Peer.notify`.

        Raises the errors of `Peer.notify`, and TimeoutError after `max_wait` seconds.
        """
        send = partial(self._wrapped.notify, action, params, message_id=message_id, validate=validate, custom=custom)
        self._bridge.run(send, max_wait=max_wait)

    @overload
    def send_raw(self, text: str, *, max_wait: float = ...) -> None: ...
    @overload
    def send_raw(self, text: str, *, expect_reply: Literal[False], max_wait: float = ...) -> None: ...
    @overload
    def send_raw(
        self, text: str, *, expect_reply: Literal[True], timeout: float | None = None, max_wait: float = ...
    ) -> dict[str, Any]: ...
    def send_raw(
        self, text: str, *, expect_reply: bool = False, timeout: float | None = None, max_wait: float = inf
    ) -> dict[str, Any] | None:
        """Send text unchanged, regardless of the window of outstanding CALLs; see `Peer.send_raw`.

        `expect_reply` takes the text of a CALL, waits for the window and returns the payload of its response. `timeout`
        limits the wait from the write to the response, `max_wait` the whole of it, in seconds.

        Raises the errors of `Peer.send_raw`, and TimeoutError after `max_wait` seconds.
        """
        if not expect_reply:
            self._bridge.run(self._wrapped.send_raw, text, max_wait=max_wait)
            return None
        ask = partial(self._wrapped.send_raw, text, expect_reply=True, timeout=timeout)
        reply: dict[str, Any] = self._bridge.run(ask, max_wait=max_wait)
        return reply

    def _call(self, call: Any, args: tuple[Any, ...], options: CallKeywords, max_wait: float) -> Any:
        return self._bridge.run(partial(call, *args, **call_options(self._bridge, options)), max_wait=max_wait)
