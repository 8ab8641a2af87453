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
import inspect
import uuid
from collections.abc import Callable
from dataclasses import asdict
from logging import getLogger
from typing import Any, Final

from ocpp_core.config import Kind
from ocpp_core.versions import ErrorCode

from ._conversion._case import camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ._conversion._names import MessageNames
from ._conversion._payloads import field_values, instance_of, is_dataclass_instance, wire_payload
from ._conversion._rules import VersionRules, rules_of
from ._handling._broken import answer_to_broken, malformed_answer_id, read_broken
from ._handling._handlers import AfterHooks, AnyLogger, arguments_of
from ._handling._identity import extract_charge_point_id
from ._handling._inbox import Inbox
from ._handling._loop import expect_asyncio, is_cancelled
from ._handling._responses import Response, ResponseQueue, wait_in
from ._handling._shown import Shown
from .exceptions import (
    FormatViolationError,
    NotImplementedError,
    NotSupportedError,
    OCPPError,
    TypeConstraintViolationError,
    cause_of,
)
from .messages import Call, CallError, CallResult, unpack, validate_payload
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
        self.logger = logger
        self._response_timeout = response_timeout
        self._response_queue: Any = ResponseQueue()
        self._call_lock: Any = asyncio.Lock()
        self._unique_id_generator: Callable[[], Any] = uuid.uuid4
        self._compat_inbox = Inbox(self._report)
        self._compat_hooks = AfterHooks()
        self._connection = connection
        self.route_map = create_route_map(self)
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
        if former is not None and former is not connection and "_compat_inbox" in vars(self):
            self._lose(ConnectionResetError("cannot wait for the response: the connection was replaced"))

    # Receiving

    async def start(self) -> None:
        """Receive and handle messages until the connection's `recv` raises, and raise the same.

        Then the calls that wait for a response raise it too. Handlers that run are completed. If this is cancelled,
        they are cancelled. Raises RuntimeError without a running event loop of asyncio.
        """
        expect_asyncio()
        try:
            while True:
                message = await self._connection.recv()
                self.logger.info("%s: receive message %s", self.id, Shown(message))
                await self.route_message(message)
        except asyncio.CancelledError:
            self._compat_inbox.cancel()
            raise
        except Exception as error:
            self._lose(error)
            raise

    async def route_message(self, raw_msg: str | bytes) -> None:
        """Handle one received text: run the handler of a CALL, or pass a response to its call.

        Returns when the CALL is answered, or earlier while a call of this side waits for a response. A text that is not
        a message is logged, and answered with a CALLERROR if it is a CALL.
        """
        expect_asyncio()
        try:
            message = unpack(raw_msg)
        except OCPPError as error:
            await self._refuse_broken(raw_msg, error)
            return
        if isinstance(message, Call):
            await self._take(message, raw_msg)
        elif self._response_queue.put_nowait(message) is False:
            self.logger.error("Ignoring response with unknown unique id: %s", Shown(message))

    async def _refuse_broken(self, raw: str | bytes, error: OCPPError) -> None:
        self.logger.error("Unable to parse message: '%s', it is not valid OCPP: %s", Shown(raw), cause_of(error))
        version = self._rules().version
        broken = read_broken(raw, version)
        if broken is None:
            return
        call_id = malformed_answer_id(broken)
        if call_id is not None and isinstance(self._response_queue, ResponseQueue):
            self._response_queue.fail(FormatViolationError(details={"cause": broken.reason}), call_id)
        answer = answer_to_broken(raw, broken, version)
        if answer is not None:
            await self._send(answer.to_json())

    async def _take(self, call: Call, raw: str | bytes) -> None:
        """Handle a CALL unless another one with its ID is in progress: only one gets a response."""
        first = self._compat_inbox.texts.get(call.unique_id)
        if first is None:
            call.received_on = self._connection
            await self._compat_inbox.handle(call.unique_id, raw, lambda: self._work(call))
        elif first == raw:
            self.logger.warning("Ignoring a copy of a request in progress: %s", Shown(call))
        else:
            self.logger.warning("Refusing a request whose unique id is in use: %s", Shown(call))
            code = self._rules().version.spell(ErrorCode.RPC_FRAMEWORK_ERROR)
            await self._send(CallError(call.unique_id, code, "the message ID is in use").to_json())

    async def _work(self, call: Call) -> None:
        try:
            await self._handle_call(call)
        except OCPPError as error:
            self._complain(
                "Error while handling request '%s': %s: %s", Shown(call), type(error).__name__, cause_of(error)
            )
            await self._answer_error(call, error)

    async def _handle_call(self, msg: Call) -> CallResult | None:
        """Run the handler of a CALL, send its answer, and run the after hook.

        Returns the answer, and None if the handler failed and a CALLERROR was sent. Raises a subclass of `OCPPError`,
        and sends nothing, for an action without handler and for a payload that violates its schema.
        """
        entry = self._entry(msg.action)
        validates = not entry.get("_skip_schema_validation", False)
        if validates:
            await validate_payload(msg, self._ocpp_version)
        fields = self._fields("call", msg)
        answer = await self._run(entry["_on_action"], msg, fields, validates=validates)
        if answer is None or not await self._answer(msg, answer[1]):
            return None
        if "_after_action" in entry:
            self._run_after(entry["_after_action"], msg, fields, answer[0])
        return answer[0]

    def _entry(self, action: str) -> dict[str, Any]:
        """Return the handlers of an action. Raises NotImplementedError or NotSupportedError if it has none."""
        entry: dict[str, Any] = self.route_map.get(action, {})
        if "_on_action" in entry:
            return entry
        if action in self._rules().actions:
            raise NotImplementedError(details={"cause": f"No handler for {action} registered."})
        raise NotSupportedError(details={"cause": f"{action[:100]} not supported by OCPP{self._ocpp_version}."})

    async def _run(
        self, handler: Callable[..., Any], msg: Call, fields: dict[str, Any], *, validates: bool
    ) -> tuple[CallResult, str] | None:
        """Return the answer of a handler with its text, or send a CALLERROR and return None."""
        try:
            payload = handler(**arguments_of(handler, fields, self._names().of("call", msg.action), msg.unique_id))
            if inspect.isawaitable(payload):
                payload = await payload
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancelled():
                raise
            self.logger.exception("Error while handling request '%s'", Shown(msg))
            await self._answer_error(msg, error)
            return None
        try:
            result = msg.create_call_result(wire_payload(payload, self._names().of("result", msg.action)))
            if validates:
                await validate_payload(result, self._ocpp_version)
            return result, result.to_json()
        except Exception as error:
            self._complain("Error in the answer to request '%s': %s", Shown(msg), cause_of(error))
            await self._answer_error(msg, None)
            return None

    async def _answer(self, msg: Call, text: str) -> bool:
        """Send an answer. Return False, and send nothing, if the connection was replaced meanwhile."""
        if msg.received_on is not None and msg.received_on is not self._connection:
            self.logger.warning("Dropping the answer to '%s': the connection was replaced", Shown(msg))
            return False
        await self._send(text)
        return True

    async def _answer_error(self, msg: Call, error: BaseException | None) -> None:
        """Send the CALLERROR for an exception, InternalError for None."""
        answer = msg.create_call_error(Exception() if error is None else error)
        answer.error_code = self._rules().version.spell(answer.error_code)
        try:
            text = answer.to_json()
        except (TypeError, ValueError) as reason:
            self._complain("Omitting the details of %s: %s", answer.error_code, reason)
            text = CallError(msg.unique_id, answer.error_code, str(answer.error_description)).to_json()
        await self._answer(msg, text)

    def _run_after(self, hook: Callable[..., Any], msg: Call, fields: dict[str, Any], result: CallResult) -> None:
        arguments = arguments_of(hook, fields, self._names().of("call", msg.action), msg.unique_id)
        if getattr(hook, "_inject_response", False) is True:  # a mock has every attribute
            arguments["call_response"] = self._fields("result", result)
        self._compat_hooks.run(hook, arguments, self.logger)

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
            TimeoutError: no response arrived within `response_timeout` seconds after the request was sent.
            TypeError: the payload is not a dataclass instance, or JSON cannot express it.
            AttributeError: `call_result` has no class for the answer.
            Exception: `connection.send` raised it, or `connection.recv` while the call waited.
        """
        expect_asyncio()
        if not is_dataclass_instance(payload):
            raise TypeError(f"expected a dataclass instance as payload, got {type(payload).__name__}")
        name = type(payload).__name__
        answer_class = getattr(self._call_result, name)
        action = name.removesuffix("Payload") or name
        if unique_id is None:
            unique_id = str(self._unique_id_generator())
        request = Call(unique_id, action, wire_payload(payload, self._names().of("call", action)))
        if not skip_schema_validation:
            await validate_payload(request, self._ocpp_version)
        response = await self._exchange(request)
        if isinstance(response, CallError):
            self.logger.warning("Received a CALLError: %s", Shown(response))
            if self.suppress_call_errors if suppress is None else suppress:
                return None
            raise response.to_exception()
        response.action = action
        if not skip_schema_validation:
            await validate_payload(response, self._ocpp_version)
        return instance_of(answer_class, self._fields("result", response))

    async def _exchange(self, request: Call) -> Response:
        """Send a request in its turn and return the response."""
        text = request.to_json()
        async with self._call_lock:
            queue = self._response_queue
            if isinstance(queue, ResponseQueue):
                queue.expect(request.unique_id)
            try:
                await self._send(text)
                return await self._get_specific_response(request.unique_id, self._response_timeout)
            except TimeoutError as error:
                reason = f"{request.action} ({request.unique_id})"
                raise TimeoutError(f"Waited {self._response_timeout}s for response on {reason}.") from error
            finally:
                if isinstance(queue, ResponseQueue):
                    queue.forget(request.unique_id)

    async def _get_specific_response(self, unique_id: Any, timeout: float | None) -> Response:
        """Return the response to a request that was sent. Raises TimeoutError after `timeout` seconds."""
        queue = self._response_queue
        with self._compat_inbox.calling():
            if isinstance(queue, ResponseQueue):
                return await queue.wait(unique_id, timeout)
            return await wait_in(queue, unique_id, timeout)

    async def _send(self, message: str) -> None:
        """Send a text; every sent message passes here."""
        self.logger.info("%s: send %s", self.id, Shown(message))
        await self._connection.send(message)

    # What a message needs to know

    def _rules(self) -> VersionRules:
        return rules_of(self._ocpp_version)

    def _names(self) -> MessageNames:
        rules = rules_of(self._ocpp_version)
        return rules.names_with_bodies if self.convert_custom_data else rules.names

    def _fields(self, kind: Kind, message: Call | CallResult) -> dict[str, Any]:
        """Return a payload by the names of fields. Raises TypeConstraintViolationError unless it is an object."""
        if not isinstance(message.payload, dict):
            raise TypeConstraintViolationError(details={"cause": "expected a JSON object as payload"})
        return field_values(message.payload, self._names().of(kind, str(message.action)))

    # Ending

    def _lose(self, error: Exception) -> None:
        """Raise an error in the calls that wait for a response, and drop the CALLs whose turn has not come."""
        self._compat_inbox.lose()
        if isinstance(self._response_queue, ResponseQueue):
            self._response_queue.fail(error)

    def _report(self, error: BaseException) -> None:
        self.logger.error("Error while handling a request", exc_info=error)

    def _complain(self, text: str, *args: object) -> None:
        """Log an error without a traceback, which would contain the payload in the details of the exception."""
        self.logger.error(text, *args)
