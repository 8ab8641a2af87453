"""Whether messages conform to the bundled schemas; the checks are compiled by need and shared by all stations."""

from typing import Any, Final

from ocpp_core.config import Violation
from ocpp_core.messages import MessageType
from ocpp_transports._validators import shared_validator

__all__ = ["problem_of", "violation_of"]

_WITH_PAYLOAD: Final = (MessageType.CALL, MessageType.CALLRESULT, MessageType.SEND)


def violation_of(protocol: str, action: str, payload: object) -> Violation | None:
    """Say what is wrong with the payload of a CALL, None if it conforms or the action is unknown."""
    return shared_validator(protocol).check_call(action, payload)


def problem_of(protocol: str | None, action: str | None, frame: list[Any]) -> str | None:
    """Say what is wrong with a message, None if it conforms or carries no payload with a schema."""
    if protocol is None or action is None or frame[0] not in _WITH_PAYLOAD:
        return None
    validator = shared_validator(protocol)
    if not validator.has(action):
        return f"{action} is no action of {protocol}" if frame[0] != MessageType.CALLRESULT else None
    checks = {
        MessageType.CALL: validator.check_call,
        MessageType.CALLRESULT: validator.check_result,
        MessageType.SEND: validator.check_send,
    }
    violation = checks[frame[0]](action, frame[-1])
    return None if violation is None else violation.description
