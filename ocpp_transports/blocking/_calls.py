"""Calls that block: the calling side of a client, and of a server's handle on a station."""

from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Any, Literal, Unpack, overload

from ocpp_core.errors import (
    ClosedError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.typed.message import Message
from ocpp_core.typed.model import RequestModel
from ocpp_transports._callbacks._arguments import expect_arguments
from ocpp_transports._handlers._call_keywords import CallKeywords
from ocpp_transports._handlers._caller import DictCallKeywords, Params, ResultModelT, ResultT
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._peer._peer import Peer

from ._threads._bridge import Bridge

__all__ = ["BlockingCallMixin", "call_options", "safe"]


def call_options(bridge: Bridge, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of a call; a `check` that is a plain function runs in a thread, since it may block.

    Raises TypeError if it does not take the payload.
    """
    check = options.get("check")
    if not callable(check) or is_coroutine_function(check):
        return options
    expect_arguments(check, "check", "payload")
    return {**options, "check": partial(bridge.workers.run_for_thread, check)}


def safe(call: Callable[[], Any]) -> Any:
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
        self, message: Message[Any, ResultT], /, *, max_wait: float = ..., **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT: ...
    @overload
    def call(
        self, request: RequestModel[Any, ResultModelT], /, *, max_wait: float = ..., **options: Unpack[DictCallKeywords]
    ) -> ResultModelT: ...
    @overload
    def call(
        self, action: str, params: Params = ..., /, *, max_wait: float = ..., **options: Unpack[DictCallKeywords]
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
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any]: ...
    def call(self, *args: Any, max_wait: float = inf, **options: Any) -> Any:
        """Call the peer, and return the payload of its CALLRESULT; see `Peer.call`.

        Args:
            *args: A message, a request model, or the action and its parameters, optionally after the subprotocol for
                which the call is valid.
            max_wait: Seconds that the call may take in all, with every retry; then it is abandoned.
            **options: Those of `Peer.call`. A `check` that is a plain function runs in a thread and may block.

        Returns:
            The payload of the CALLRESULT, or its model for a request model.

        Raises:
            OCPPError: The call failed, see `Peer.call`. TimeoutError with `sent=True` also means `max_wait`.
            ValueError: A bad argument, or a version that the connection does not speak.
            TypeError: A bad argument.
        """
        return self._call(self._wrapped.call, args, options, max_wait)

    @overload
    def call_immediate(
        self, message: Message[Any, ResultT], /, *, max_wait: float = ..., **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT: ...
    @overload
    def call_immediate(
        self, request: RequestModel[Any, ResultModelT], /, *, max_wait: float = ..., **options: Unpack[DictCallKeywords]
    ) -> ResultModelT: ...
    @overload
    def call_immediate(
        self, action: str, params: Params = ..., /, *, max_wait: float = ..., **options: Unpack[DictCallKeywords]
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
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any]: ...
    def call_immediate(self, *args: Any, max_wait: float = inf, **options: Any) -> Any:
        """Call ahead of the queued calls, within the window of outstanding CALLs; otherwise like `call`.

        Args:
            *args: What `call` takes.
            max_wait: Seconds that the call may take in all, with every retry; then it is abandoned.
            **options: The options of one call.
        """
        return self._call(self._wrapped.call_immediate, args, options, max_wait)

    @overload
    def safe_call(
        self, message: Message[Any, ResultT], /, *, max_wait: float = ..., **options: Unpack[CallKeywords[ResultT]]
    ) -> ResultT | None: ...
    @overload
    def safe_call(
        self, request: RequestModel[Any, ResultModelT], /, *, max_wait: float = ..., **options: Unpack[DictCallKeywords]
    ) -> ResultModelT | None: ...
    @overload
    def safe_call(
        self, action: str, params: Params = ..., /, *, max_wait: float = ..., **options: Unpack[DictCallKeywords]
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
        **options: Unpack[DictCallKeywords],
    ) -> dict[str, Any] | None: ...
    def safe_call(self, *args: Any, max_wait: float = inf, **options: Any) -> Any:
        """Call, and return None if the call fails; the failure is logged unless it is a timeout.

        Args:
            *args: What `call` takes.
            max_wait: Seconds that the call may take in all, with every retry; then it returns None.
            **options: The options of one call.

        Raises:
            ValueError: A bad argument, see `call`.
            TypeError: The same, for a wrong type.
        """
        return safe(lambda: self._call(self._wrapped.safe_call, args, options, max_wait))

    @overload
    def notify(
        self,
        message: Message[Any, None] | RequestModel[Any, None],
        /,
        *,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
        max_wait: float = ...,
    ) -> None: ...
    @overload
    def notify(
        self,
        action: str,
        params: Params,
        /,
        *,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
        max_wait: float = ...,
    ) -> None: ...
    def notify(
        self,
        *args: Any,
        message_id: str | None = None,
        validate: bool = True,
        custom: bool = False,
        max_wait: float = inf,
    ) -> None:
        """Send a SEND (OCPP 2.1); return when it is written, because a SEND has no response.

        Args:
            *args: A message, a request model, or the action and its parameters.
            message_id: At most 36 characters; None makes one.
            validate: False skips strict mode for this SEND.
            custom: True allows an action that only the peer sends.
            max_wait: Seconds that sending may take.

        Raises:
            OCPPError: It was not sent, see `Peer.notify`. TimeoutError with `sent=True` means `max_wait`.
            ValueError: A version without SEND, an unknown action, or more than `max_outgoing_size` bytes.
            TypeError: A bad argument, or a message that is not a SEND.
        """
        options = {"message_id": message_id, "validate": validate, "custom": custom}
        self._bridge.run(partial(self._wrapped.notify, *args, **options), max_wait=max_wait)

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
        """Send text unchanged, regardless of the window of outstanding CALLs.

        Args:
            text: The text.
            expect_reply: True if it is a CALL: waits for the window, and for the response.
            timeout: Seconds from the write to the response; None means the option `call_timeout`.
            max_wait: Seconds that the whole of it may take.

        Returns:
            The payload of the response, None without `expect_reply`.

        Raises:
            OCPPError: It was not sent or failed, see `Peer.send_raw`. TimeoutError also means `max_wait`.
            ValueError: A reply is expected to anything but a CALL, or it has more than `max_outgoing_size` bytes.
            TypeError: It is not text.
        """
        if not expect_reply:
            self._bridge.run(self._wrapped.send_raw, text, max_wait=max_wait)
            return None
        ask = partial(self._wrapped.send_raw, text, expect_reply=True, timeout=timeout)
        reply: dict[str, Any] = self._bridge.run(ask, max_wait=max_wait)
        return reply

    def _call(self, call: Any, args: tuple[Any, ...], options: Mapping[str, Any], max_wait: float) -> Any:
        return self._bridge.run(partial(call, *args, **call_options(self._bridge, options)), max_wait=max_wait)
