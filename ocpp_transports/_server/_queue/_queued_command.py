"""A connection of a station as the queue of a cluster sees it: it sends one command, and says how that ended."""

from typing import Any, Final, assert_never

from ocpp_core._json import dumps
from ocpp_core.cluster.queue.records import TakenCommand
from ocpp_core.cluster.queue.settings import MAX_OUTCOME_BYTES
from ocpp_core.errors import (
    CallDroppedError,
    ConnectionLostError,
    OCPPError,
    RPCError,
    TimeoutError,  # ours, a subclass of the builtin
)
from ocpp_core.inputs import StartCall
from ocpp_core.messages import utf8_length
from ocpp_core.outbound.station_calls import StationCalls
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageNotSent,
    MessageOutcome,
    MessageRefused,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.texts import write_outcome
from ocpp_transports._driver._driver import Driver
from ocpp_transports.cluster._queue._messages import read_content
from ocpp_transports.cluster._queue._node_queue import NodeQueue

__all__ = ["QueuedCommands"]

_GRACE: Final = 10.0
"""Seconds that a mark lasts longer than the station may need to respond."""
_LEAST: Final = 0.001
"""Seconds of a timeout at least."""
_MOST_SHOWN: Final = 255
"""Characters of a code and of a description that are kept."""


class QueuedCommands:
    """A connection that gets the commands of its station.

    Args:
        name: The name of the station.
        calls: The calls of the session.
        protocol: The subprotocol.
        driver: The driver of the connection.
        queue: The queue of the node.
    """

    def __init__(self, name: str, calls: StationCalls, protocol: str, driver: Driver[Any], queue: NodeQueue) -> None:
        self._name = name
        self._calls = calls
        self._protocol = protocol
        self._driver = driver
        self._queue = queue
        self._has_ended = False
        queue.connected(name, self)

    # For the delivery

    def registered(self, *, is_registered: bool) -> None:
        """Deliver from now on, or deliver nothing."""
        self._queue.registered(self._name, self, is_registered=is_registered)

    def end(self) -> None:
        """Deliver nothing more."""
        self._has_ended = True
        self._queue.disconnected(self._name, self)

    # For the queue

    @property
    def patience(self) -> float:
        """Seconds that the station may need to respond."""
        return self._calls.config.call_timeout + _GRACE

    async def send(self, command: TakenCommand) -> str | None:
        """Send a command, and return its outcome as JSON text; None if it was certainly not written."""
        outcome = await self._outcome(command)
        return None if outcome is None else write_outcome(outcome)

    async def _outcome(self, command: TakenCommand) -> MessageOutcome | None:
        if self._has_ended:
            return None
        protocol, action, payload = read_content(command.content)
        if protocol not in (None, self._protocol):
            return MessageNotSent(NotSentReason.INVALID)
        try:
            self._calls.expect_valid(action, payload)
        except RPCError:
            return MessageNotSent(NotSentReason.INVALID)
        return await self._ask(action, payload, command)

    async def _ask(self, action: str, payload: dict[str, Any], command: TakenCommand) -> MessageOutcome | None:
        """Send a checked command. A response that breaks its schema counts too: the station has acted."""
        timeout, ttl, late = self._calls.config.call_timeout, max(0.0, command.ttl), UnknownReason.TIMEOUT
        if command.deadline is not None and command.deadline < timeout:
            timeout, late = max(_LEAST, command.deadline), UnknownReason.EXPIRED

        def start(token: int) -> StartCall:
            return StartCall(token, action, payload, timeout=timeout, ttl=ttl, validate=False)

        try:
            return MessageAnswered(_kept(await self._driver.ask(start)))
        except (OCPPError, ValueError) as error:
            return _outcome_of(error, late)


def _kept(payload: object) -> str:
    """Return the JSON text of what a station sent; empty if it is too large, or cannot be written again."""
    try:
        text = dumps(payload)
    except (TypeError, ValueError, RecursionError):
        return ""
    return text if utf8_length(text) <= MAX_OUTCOME_BYTES else ""


def _outcome_of(error: OCPPError | ValueError, late: UnknownReason) -> MessageOutcome | None:
    """Return the outcome of a command that got no result; None if it was not written and may be sent later."""
    match error:
        case RPCError(remote=True):
            details = _kept(error.details) or "{}"
            return MessageRefused(error.code[:_MOST_SHOWN], error.description[:_MOST_SHOWN], details)
        case TimeoutError(sent=True):
            return MessageUnknown(late)
        case TimeoutError():
            return MessageNotSent(NotSentReason.EXPIRED)
        case RPCError():  # the station sent a malformed response
            return MessageUnknown(UnknownReason.TIMEOUT)
        case ConnectionLostError(sent=False) | CallDroppedError():
            return None
        case ValueError():  # another version calls it by SEND
            return MessageNotSent(NotSentReason.INVALID)
        case OCPPError():  # also a ClosedError, which does not say if the command was written
            return MessageUnknown(UnknownReason.LOST)
        case _:
            assert_never(error)
