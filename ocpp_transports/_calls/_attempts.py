"""The attempts of a call: its retries and their pauses, and the check of its result."""

import random
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from inspect import isawaitable
from typing import Any, Final

from ocpp_core.backoff import retry_delay
from ocpp_core.errors import (
    ClosedError,
    ConnectionLostError,
    OCPPError,
    RPCError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.inputs import Command, Notify, RefuseResult, SendRaw, StartCall
from ocpp_core.outbound.call import check_command
from ocpp_transports._driver._driver import Driver
from ocpp_transports._driver._interfaces import Completion, complete
from ocpp_transports._options._connection import PeerOptions

from ._call_options import CallOptions
from ._request import CallRequest

__all__ = ["AttemptMixin"]

_random: Final = random.Random()


class AttemptMixin:
    """Passes commands to the driver, repeats calls, and checks their results."""

    _options: PeerOptions
    _driver: Driver[Command] | None
    _pauses: set[Completion[ClosedError | None]] | None = None  # made when needed: most calls are not repeated

    def _queueing_driver(self) -> Driver[Command] | None:
        """Return a driver that may queue calls while there is no connection."""
        return None

    @abstractmethod
    def _not_connected(self) -> OCPPError:
        """Return the error of a call without a driver: why nothing was sent, and what to do."""

    async def _attempts(self, request: CallRequest) -> dict[str, Any]:
        """Call, and repeat after a pause if no response came in time; a time to live covers all attempts."""
        tries, ttl = 0, request.options.ttl
        while True:
            begun = self._now()
            options = self._for_attempt(request.options, ttl)
            try:
                result: dict[str, Any] = await self._ask(request._replace(options=options).command)
            except TimeoutError as error:
                if not error.sent or tries >= options.retries:
                    raise
                tries += 1
                await self._pause(retry_delay(tries, options.retry_delay, options.retry_max_delay, _random))
                if ttl is not None:
                    ttl -= self._now() - begun
                    if ttl <= 0:
                        raise
            else:
                await self._check(result, request.action, options)
                return result

    def _for_attempt(self, options: CallOptions, ttl: float | None) -> CallOptions:
        """Choose the message id here if the result will be checked: refusing it needs the id."""
        if ttl != options.ttl:
            options = replace(options, ttl=ttl)
        if options.check is not None and options.message_id is None:
            options = replace(options, message_id=self._options.ids())
        return options

    async def _check(self, result: dict[str, Any], action: str, options: CallOptions) -> None:
        if options.check is None:
            return
        try:
            passed = options.check(result)
            if isawaitable(passed):
                await passed
        except RPCError as error:
            # ConnectionLostError is an RPC error by its class only: it concerns another call.
            if not isinstance(error, ConnectionLostError) and self._driver is not None:
                message_id, description = str(options.message_id), str(error.description)
                self._driver.feed(RefuseResult(message_id, error.code, description, error.details, action))
            raise

    async def _ask(self, make: Callable[[int], StartCall | SendRaw | Notify]) -> Any:
        driver = self._driver or self._queueing_driver()
        if driver is None:
            check_command(make(0), self._options.session, 0.0)
            raise self._not_connected()
        return await driver.ask(make)

    def _now(self) -> float:
        return 0.0 if self._driver is None else self._driver.runtime.now()

    async def _pause(self, seconds: float) -> None:
        """Wait before the next attempt; closing ends the wait with ClosedError."""
        if self._driver is None:
            return
        runtime = self._driver.runtime
        completion: Completion[ClosedError | None] = runtime.completion()
        timer = runtime.call_at(runtime.now() + seconds, lambda: complete(completion, None))
        pauses = self._pauses = self._pauses or set()
        pauses.add(completion)
        try:
            closed = await completion
        finally:
            pauses.discard(completion)
            timer.cancel()
        if closed is not None:
            raise closed
