"""What the steps of a message need of their charge point.

The steps are no methods of `ChargePoint`: programs derive from it and give their own methods and attributes any name.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from ocpp_core.config import Kind
from ocpp_transports.compat._conversion._names import ObjectNames
from ocpp_transports.compat._conversion._payloads import field_values
from ocpp_transports.compat._conversion._rules import VersionRules, rules_of
from ocpp_transports.compat.exceptions import TypeConstraintViolationError
from ocpp_transports.compat.messages import Call, CallResult

from ._handlers import AnyLogger
from ._responses import Response

__all__ = ["Host", "Validate", "fields_of", "names_of", "rules_for"]

Validate: TypeAlias = Callable[[Call | CallResult, str], Awaitable[None]]
"""Function that raises for a payload which violates its schema of an OCPP version."""


class Host(Protocol):
    """A charge point. The steps read its attributes when they need them, because programs replace them."""

    logger: AnyLogger
    route_map: dict[str, dict[str, Any]]
    suppress_call_errors: bool
    convert_custom_data: bool
    _call_result: Any
    _ocpp_version: str
    _response_timeout: float | None
    _response_queue: Any
    _call_lock: Any
    _unique_id_generator: Callable[[], Any]

    @property
    def _connection(self) -> Any: ...

    async def _send(self, message: str) -> None: ...

    async def _handle_call(self, msg: Call) -> CallResult | None: ...

    async def _get_specific_response(self, unique_id: Any, timeout: float | None) -> Response: ...


def rules_for(host: Host) -> VersionRules:
    """Return the facts of the version of a charge point."""
    return rules_of(host._ocpp_version)


def names_of(host: Host, kind: Kind, action: str) -> ObjectNames:
    """Return the names in a message of a charge point."""
    rules = rules_of(host._ocpp_version)
    return (rules.names_with_bodies if host.convert_custom_data else rules.names).of(kind, action)


def fields_of(host: Host, kind: Kind, message: Call | CallResult) -> dict[str, Any]:
    """Return a payload by the names of fields. Raises TypeConstraintViolationError unless it is an object."""
    if not isinstance(message.payload, dict):
        raise TypeConstraintViolationError(details={"cause": "expected a JSON object as payload"})
    return field_values(message.payload, names_of(host, kind, str(message.action)))
