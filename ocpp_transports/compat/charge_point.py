"""`ChargePoint`: one connection between a station and a central system, for programs on asyncio.

It uses parts of the engine (messages, validation, facts of the versions) but not its session. Programs override and
call the steps of a message one by one: `_send`, `_handle_call`, `_get_specific_response`, `_call_lock`. Several never
call `start` and pass each text to `route_message`. A session owns these steps: it chooses IDs, writes frames and
matches responses in one place.

How it behaves:

* Every text to send passes `_send`, every received one `route_message`, and every call `_get_specific_response`.
* CALLs are handled in the order of arrival, one at a time. Responses are read meanwhile, see `_handling/_inbox`.
* The version, the handlers with their flags, the connection and the timeout are read when a message needs them.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from logging import getLogger
from typing import Any, Final

from ._conversion._case import camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ._handling._handlers import AnyLogger
from ._handling._identity import extract_charge_point_id
from ._handling._inbound import Inbound
from ._handling._loop import expect_asyncio
from ._handling._outbound import Outbound
from ._handling._responses import Response, ResponseQueue
from ._handling._shown import Shown
from .exceptions import OCPPError
from .messages import Call, CallResult, unpack, validate_payload
from .routing import create_route_map

__all__ = [
    "LOGGER",
    "ChargePoint",
    "OCPPError",
    "asdict",
    "camel_to_snake_case",
    "extract_charge_point_id",
    "remove_nones",
    "serialize_as_dict",
    "snake_to_camel_case",
]

LOGGER: Final = getLogger("ocpp")
"""The default logger: received and sent messages at INFO, without secrets."""


class ChargePoint:
    """One side of a connection, a station or a central system.

    Use the subclass of `v16`, `v201` or `v21`, or set `_call`, `_call_result` and `_ocpp_version` before the first
    message. Handlers are methods that are decorated with `routing.on`.
    """

    _call: Any
    """The module with the payload classes of requests."""
    _call_result: Any
    """The module with the payload classes of answers."""
    _ocpp_version: str
    """ "1.6", "2.0.1" or "2.1"."""

    suppress_call_errors: bool = False
    """The default of `suppress` in `call`: True to return None for a CALLERROR, False to raise it."""
    convert_custom_data: bool = False
    """True to convert the keys within `customData` and within the data of DataTransfer, in both directions."""

    def __init__(
        self,
        id: Any,  # noqa: A002 - the name that programs pass
        connection: Any,
        response_timeout: float | None = 30,
        logger: AnyLogger = LOGGER,
        *,
        suppress_call_errors: bool | None = None,
        convert_custom_data: bool | None = None,
    ) -> None:
        """Make a charge point; nothing is received before `start`.

        Args:
            id: the identity, for the log.
            connection: an object with the coroutines `recv()` and `send(text)`.
            response_timeout: seconds to wait for a response after a call was sent; None: no limit.
            logger: the logger for messages and errors.
            suppress_call_errors: the attribute of this name; None: that of the class.
            convert_custom_data: the attribute of this name; None: that of the class.
        """
        self.id = id
        """The identity, for the log."""
        self.logger = logger
        """The logger for messages and errors."""
        self._response_timeout = response_timeout
        self._response_queue: Any = ResponseQueue()
        self._call_lock: Any = asyncio.Lock()
        self._unique_id_generator: Callable[[], Any] = uuid.uuid4
        self._compat_inbound = Inbound(self, _validate)
        self._compat_outbound = Outbound(self, _validate, self._compat_inbound.inbox)
        self._connection = connection
        self.route_map: dict[str, dict[str, Any]] = create_route_map(self)
        """The handlers by action, as `create_route_map` finds them; read at every message."""
        if suppress_call_errors is not None:
            self.suppress_call_errors = suppress_call_errors
        if convert_custom_data is not None:
            self.convert_custom_data = convert_custom_data

    @property
    def _connection(self) -> Any:
        """The connection. Another one fails the calls that wait for responses of the former."""
        try:
            return vars(self)["_connection"]
        except KeyError:
            raise AttributeError("expected a connection, got none yet; call super().__init__ first") from None

    @_connection.setter
    def _connection(self, connection: Any) -> None:
        former = vars(self).get("_connection")
        vars(self)["_connection"] = connection
        if former is not None and former is not connection and "_compat_inbound" in vars(self):
            self._compat_inbound.lose("the connection was replaced")

    # Receiving

    async def start(self) -> None:
        """Receive and handle messages until the connection's `recv` raises, and raise the same.

        Then the calls that wait for a response raise `ResponseLostError`. Handlers that run are completed. If this is
        cancelled, they are cancelled. Neither happens if the connection was replaced, or if another run of `start`
        reads it.
        Raises RuntimeError without a running event loop of asyncio.
        """
        expect_asyncio()
        with self._compat_inbound.reading() as read:
            while True:
                message = await read().recv()
                self.logger.info("%s: receive message %s", self.id, Shown(message))
                await self.route_message(message)

    async def route_message(self, raw_msg: str | bytes) -> None:
        """Handle one received text: run the handler of a CALL, or pass a response to its call.

        Returns when the CALL is answered, or earlier while a call of this side waits for a response. A text that is not
        a message is logged, and answered with a CALLERROR if it is a CALL.
        """
        expect_asyncio()
        try:
            message = unpack(raw_msg)
        except OCPPError as error:
            await self._compat_inbound.refuse_broken(raw_msg, error)
            return
        if isinstance(message, Call):
            await self._compat_inbound.take(message, raw_msg)
        elif self._response_queue.put_nowait(message) is False:
            self.logger.error("Ignoring response with unknown unique id: %s", Shown(message))

    async def _handle_call(self, msg: Call) -> CallResult | None:
        """Run the handler of a CALL, send its answer, and run the after hook.

        Returns the answer, and None if the handler failed and a CALLERROR was sent. Raises a subclass of `OCPPError`,
        and sends nothing, for an action without handler and for a payload that violates its schema.
        """
        return await self._compat_inbound.handle(msg)

    # Calling

    async def call(
        self,
        payload: Any,
        suppress: bool | None = None,
        unique_id: Any = None,
        skip_schema_validation: bool = False,
    ) -> Any:
        """Send a request and return its answer. Calls are sent one at a time.

        Args:
            payload: an object of the module `call`, or of another dataclass that is named like the action.
            suppress: True to return None for a CALLERROR, False to raise it; None: `suppress_call_errors`.
            unique_id: the message ID; None: the next one of `_unique_id_generator`.
            skip_schema_validation: True to validate neither the request nor the answer.

        Returns:
            An object of the class in `call_result` with the name of the payload's class. Objects in it stay dicts.

        Raises:
            OCPPError: the peer answered with a CALLERROR, or payload or answer violate their schemas.
            UnknownCallErrorCodeError: the peer answered with a CALLERROR of an unknown code.
            TimeoutError: no response arrived within `response_timeout` seconds after the request was sent. Its subclass
                `ResponseLostError`: the connection ended before.
            TypeError: the payload is not a dataclass instance, or JSON cannot express it.
            AttributeError: `call_result` has no class for the answer.
            Exception: `connection.send` raised it.
        """
        expect_asyncio()
        return await self._compat_outbound.call(
            payload, suppress=suppress, unique_id=unique_id, skip_schema_validation=skip_schema_validation
        )

    async def _get_specific_response(self, unique_id: Any, timeout: float | None) -> Response:
        """Return the response to a request that was sent. Raises TimeoutError after `timeout` seconds."""
        return await self._compat_outbound.response(unique_id, timeout)

    async def _send(self, message: str) -> None:
        """Send a text; every sent message passes here."""
        self.logger.info("%s: send %s", self.id, Shown(message))
        await self._connection.send(message)


def _validate(message: Call | CallResult, ocpp_version: str) -> Awaitable[None]:
    return validate_payload(message, ocpp_version)  # looked up at each call, as programs replace it here in tests
