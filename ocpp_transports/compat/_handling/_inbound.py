"""Received texts: a CALL becomes an answer, and a text that is not a message an error."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ocpp_core.versions import ErrorCode
from ocpp_transports.compat._conversion._payloads import wire_payload
from ocpp_transports.compat.exceptions import (
    FormatViolationError,
    NotImplementedError,
    NotSupportedError,
    OCPPError,
    ResponseLostError,
    cause_of,
)
from ocpp_transports.compat.messages import Call, CallError, CallResult

from ._broken import answer_to_broken, malformed_answer_id, read_broken
from ._handlers import AfterHooks, arguments_of
from ._host import Host, Validate, fields_of, names_of, rules_for
from ._inbox import Inbox
from ._loop import is_cancelled
from ._responses import ResponseQueue
from ._shown import Shown

__all__ = ["Inbound"]


class Inbound:
    """The inbound direction of one charge point."""

    def __init__(self, host: Host, validate: Validate) -> None:
        self._host = host
        self._validate = validate
        self._hooks = AfterHooks()
        self.inbox = Inbox(self._report)
        self._read: dict[object, Any] = {}
        """Run of `start` -> the connection that it reads."""

    @contextmanager
    def reading(self) -> Iterator[Callable[[], Any]]:
        """Mark one run of `start`, which reads what the function returns; end what depends on that when it fails."""
        run = object()

        def read() -> Any:
            connection = self._read[run] = self._host._connection
            return connection

        try:
            yield read
        except BaseException as error:
            connection = self._read.pop(run, None)
            if connection is self._host._connection and all(each is not connection for each in self._read.values()):
                self._end(error)
            raise

    def _end(self, error: BaseException) -> None:
        if isinstance(error, GeneratorExit):
            return  # `start` was discarded, as its event loop was
        if isinstance(error, asyncio.CancelledError) and is_cancelled():
            self.inbox.cancel()
        elif isinstance(error, Exception):
            self.lose("the connection ended", error)
        else:
            self.lose("`start` ended", error)

    async def refuse_broken(self, raw: str | bytes, error: OCPPError) -> None:
        self._host.logger.error("Unable to parse message: '%s', it is not valid OCPP: %s", Shown(raw), cause_of(error))
        version = rules_for(self._host).version
        broken = read_broken(raw, version)
        if broken is None:
            return
        call_id = malformed_answer_id(broken)
        if call_id is not None and isinstance(self._host._response_queue, ResponseQueue):
            self._host._response_queue.fail(FormatViolationError(details={"cause": broken.reason}), call_id)
        answer = answer_to_broken(raw, broken, version)
        if answer is not None:
            await self._host._send(answer.to_json())

    async def take(self, call: Call, raw: str | bytes) -> None:
        """Handle a CALL unless another one with its ID is in progress: only one gets a response."""
        first = self.inbox.texts.get(call.unique_id)
        if first is None:
            call.received_on = self._host._connection
            await self.inbox.handle(call.unique_id, raw, lambda: self._work(call))
        elif first == raw:
            self._host.logger.warning("Ignoring a copy of a request in progress: %s", Shown(call))
        else:
            self._host.logger.warning("Refusing a request whose unique id is in use: %s", Shown(call))
            code = rules_for(self._host).version.spell(ErrorCode.RPC_FRAMEWORK_ERROR)
            await self._host._send(CallError(call.unique_id, code, "the message ID is in use").to_json())

    async def _work(self, call: Call) -> None:
        try:
            await self._host._handle_call(call)
        except OCPPError as error:
            self._complain(
                "Error while handling request '%s': %s: %s", Shown(call), type(error).__name__, cause_of(error)
            )
            await self._answer_error(call, error)

    async def handle(self, msg: Call) -> CallResult | None:
        """Run the handler of a CALL, send its answer, and run the after hook; see `ChargePoint._handle_call`."""
        entry = self._entry(msg.action)
        validates = not entry.get("_skip_schema_validation", False)
        if validates:
            await self._validate(msg, self._host._ocpp_version)
        fields = fields_of(self._host, "call", msg)
        answer = await self._run(entry["_on_action"], msg, fields, validates=validates)
        if answer is None or not await self._answer(msg, answer[1]):
            return None
        if "_after_action" in entry:
            await self._run_after(entry["_after_action"], msg, fields, answer[0])
        return answer[0]

    def _entry(self, action: str) -> dict[str, Any]:
        """Return the handlers of an action. Raises NotImplementedError or NotSupportedError if it has none."""
        entry: dict[str, Any] = self._host.route_map.get(action, {})
        if "_on_action" in entry:
            return entry
        if action in rules_for(self._host).actions:
            raise NotImplementedError(details={"cause": f"No handler for {action} registered."})
        raise NotSupportedError(details={"cause": f"{action[:100]} not supported by OCPP{self._host._ocpp_version}."})

    async def _run(
        self, handler: Callable[..., Any], msg: Call, fields: dict[str, Any], *, validates: bool
    ) -> tuple[CallResult, str] | None:
        """Return the answer of a handler with its text, or send a CALLERROR and return None."""
        try:
            payload = handler(**arguments_of(handler, fields, names_of(self._host, "call", msg.action), msg.unique_id))
            if inspect.isawaitable(payload):
                payload = await payload
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancelled():
                raise
            self._host.logger.exception("Error while handling request '%s'", Shown(msg))
            await self._answer_error(msg, error)
            return None
        try:
            result = msg.create_call_result(wire_payload(payload, names_of(self._host, "result", msg.action)))
            if validates:
                await self._validate(result, self._host._ocpp_version)
            return result, result.to_json()
        except Exception as error:
            self._complain("Error in the answer to request '%s': %s", Shown(msg), cause_of(error))
            await self._answer_error(msg, None)
            return None

    async def _answer(self, msg: Call, text: str) -> bool:
        """Send an answer. Return False, and send nothing, if the connection was replaced meanwhile."""
        if msg.received_on is not None and msg.received_on is not self._host._connection:
            self._host.logger.warning("Dropping the answer to '%s': the connection was replaced", Shown(msg))
            return False
        await self._host._send(text)
        return True

    async def _answer_error(self, msg: Call, error: BaseException | None) -> None:
        """Send the CALLERROR for an exception, InternalError for None."""
        answer = msg.create_call_error(Exception() if error is None else error)
        answer.error_code = rules_for(self._host).version.spell(answer.error_code)
        try:
            text = answer.to_json()
        except (TypeError, ValueError) as reason:
            self._complain("Omitting the details of %s: %s", answer.error_code, reason)
            text = CallError(msg.unique_id, answer.error_code, str(answer.error_description)).to_json()
        await self._answer(msg, text)

    async def _run_after(self, hook: Callable[..., Any], msg: Call, fields: dict[str, Any], result: CallResult) -> None:
        arguments = arguments_of(hook, fields, names_of(self._host, "call", msg.action), msg.unique_id)
        if getattr(hook, "_inject_response", False) is True:  # a mock has every attribute
            arguments["call_response"] = fields_of(self._host, "result", result)
        await self._hooks.run(hook, arguments, self._host.logger)

    def lose(self, reason: str, cause: BaseException | None = None) -> None:
        """Raise ResponseLostError in the calls that wait for a response, and drop the CALLs whose turn has not come."""
        self.inbox.lose()
        if isinstance(self._host._response_queue, ResponseQueue):
            error = ResponseLostError(f"cannot wait for the response: {reason}")
            error.__cause__ = cause
            self._host._response_queue.fail(error)

    def _report(self, error: BaseException) -> None:
        self._host.logger.error("Error while handling a request", exc_info=error)

    def _complain(self, text: str, *args: object) -> None:
        """Log an error without a traceback, which would contain the payload in the details of the exception."""
        self._host.logger.error(text, *args)
