"""Calls to the peer: from a payload object to the object of its answer."""

from typing import Any

from ocpp_transports.compat._conversion._payloads import instance_of, is_dataclass_instance, wire_payload
from ocpp_transports.compat.exceptions import ResponseLostError
from ocpp_transports.compat.messages import Call, CallError

from ._host import Host, Validate, fields_of, names_of
from ._inbox import Inbox
from ._responses import Response, ResponseQueue, wait_in
from ._shown import Shown

__all__ = ["Outbound"]


class Outbound:
    """The outbound direction of one charge point."""

    def __init__(self, host: Host, validate: Validate, inbox: Inbox) -> None:
        self._host = host
        self._validate = validate
        self._inbox = inbox

    async def call(self, payload: Any, *, suppress: bool | None, unique_id: Any, skip_schema_validation: bool) -> Any:
        """Send a request and return its answer, see `ChargePoint.call`."""
        if not is_dataclass_instance(payload):
            raise TypeError(f"expected a dataclass instance as payload, got {type(payload).__name__}")
        name = type(payload).__name__
        answer_class = getattr(self._host._call_result, name)
        action = name.removesuffix("Payload") or name
        if unique_id is None:
            unique_id = str(self._host._unique_id_generator())
        request = Call(unique_id, action, wire_payload(payload, names_of(self._host, "call", action)))
        if not skip_schema_validation:
            await self._validate(request, self._host._ocpp_version)
        response = await self._exchange(request)
        if isinstance(response, CallError):
            self._host.logger.warning("Received a CALLError: %s", Shown(response))
            if self._host.suppress_call_errors if suppress is None else suppress:
                return None
            raise response.to_exception()
        response.action = action
        if not skip_schema_validation:
            await self._validate(response, self._host._ocpp_version)
        return instance_of(answer_class, fields_of(self._host, "result", response))

    async def _exchange(self, request: Call) -> Response:
        """Send a request in its turn and return the response."""
        text = request.to_json()
        async with self._host._call_lock:
            queue = self._host._response_queue
            if isinstance(queue, ResponseQueue):
                queue.expect(request.unique_id)
            try:
                await self._host._send(text)
                return await self._response_to(request)
            finally:
                if isinstance(queue, ResponseQueue):
                    queue.forget(request.unique_id)

    async def _response_to(self, request: Call) -> Response:
        timeout = self._host._response_timeout
        try:
            return await self._host._get_specific_response(request.unique_id, timeout)
        except ResponseLostError:
            raise
        except TimeoutError as error:
            reason = f"{request.action} ({request.unique_id})"
            raise TimeoutError(f"Waited {timeout}s for response on {reason}.") from error

    async def response(self, unique_id: Any, timeout: float | None) -> Response:
        """Return the response to a request that was sent. Raises TimeoutError after `timeout` seconds."""
        queue = self._host._response_queue
        with self._inbox.calling():
            if isinstance(queue, ResponseQueue):
                return await queue.wait(unique_id, timeout)
            return await wait_in(queue, unique_id, timeout)
