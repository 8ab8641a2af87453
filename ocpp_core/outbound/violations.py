"""Payloads that break their schema, in both directions: what is reported about them, and which are tolerated.

Only a violation leads here: strict mode costs a conforming message nothing but its check.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from ocpp_core.actions import Direction, InvalidPayload, Report, ReportKind
from ocpp_core.config import Kind, SessionConfig, Violation
from ocpp_core.errors import RPCError, RPCNotImplementedError, create_rpc_error
from ocpp_core.messages import Frame
from ocpp_core.tolerance.applying import forgive
from ocpp_core.versions import ErrorCode, Version

from .call import RESPONSE_ONLY, OutboundCall

__all__ = ["invalid_request", "invalid_result", "is_tolerated", "refusal_of", "tolerated", "violation_error"]

_Emit: TypeAlias = Callable[[Report], None]


def violation_error(violation: Violation, version: Version) -> RPCError:
    """Return the error for a schema violation, with the version's spelling of the code."""
    return create_rpc_error(version.spell(violation.code), violation.description)


def invalid_result(action: str, frame: Frame, violation: Violation) -> InvalidPayload:
    """Return the payload of a received CALLRESULT."""
    return InvalidPayload(Direction.IN, "result", action, frame[1], frame[2], violation)


def invalid_request(kind: Kind, frame: Frame, violation: Violation) -> InvalidPayload:
    """Return the payload of a received CALL or SEND."""
    _, message_id, action, payload = frame
    return InvalidPayload(Direction.IN, kind, action, message_id, payload, violation)


def is_tolerated(invalid: InvalidPayload, config: SessionConfig, version: Version, emit: _Emit) -> bool:
    """Return True, and report the violation, if the mode of the payload is `report`."""
    if config.validation_mode(invalid.direction.value, invalid.kind, invalid.action) != "report":
        return False
    emit(invalid.report(ReportKind.TOLERATED, violation_error(invalid.violation, version)))
    return True


def tolerated(invalid: InvalidPayload, config: SessionConfig, version: Version, emit: _Emit) -> Any:
    """Return what the application gets of a received payload that breaks its schema; None if it is refused."""
    mended = forgive(config, invalid.kind, invalid.action, invalid.payload, emit)
    if mended is not None:
        return mended
    return invalid.payload if is_tolerated(invalid, config, version, emit) else None


def refusal_of(call: OutboundCall, config: SessionConfig, version: Version, emit: _Emit) -> RPCError | None:
    """Return the error of a call that strict mode does not send, or None.

    A call that is checked again, for another connection, is not reported again.
    """
    check, validator, action = config.check_sent_call, config.validator, call.action
    violation = None if check is None else check(action, call.payload)
    if violation is None and (validator is None or validator.has(action)):
        return None
    mode = config.validation_mode("out", "call", action)
    if mode == "off" or (mode == "report" and call.validate == RESPONSE_ONLY):
        return None
    error: RPCError | None = None
    if violation is None:
        violation = Violation(ErrorCode.NOT_IMPLEMENTED, f"{version.name} has no schema for {action!r}")
        advice = "extend the validator or pass validate=False"
        error = RPCNotImplementedError(f"cannot send {action!r}: {violation.description}; {advice}")
    invalid = InvalidPayload(Direction.OUT, "call", action, call.message_id, call.payload, violation)
    if is_tolerated(invalid, config, version, emit):
        call.validate = RESPONSE_ONLY
        return None
    error = error or violation_error(violation, version)
    emit(invalid.report(ReportKind.INVALID_REQUEST, error))
    return error
