"""Received texts that are not messages: what they break, and the CALLERROR that answers them."""

import json
from contextlib import suppress
from typing import Final

from ocpp_core.messages import Fault, Leniency, Malformed, decode
from ocpp_core.outbound.sends import UNREADABLE_ID
from ocpp_core.versions import ErrorCode, Version
from ocpp_transports.compat.messages import CallError

__all__ = ["answer_to_broken", "malformed_answer_id", "read_broken"]

_NUMBERS: Final = Leniency(numeric_ids=True, long_ids=True)


def read_broken(raw: str | bytes, version: Version) -> Malformed | None:
    """Return what is wrong with a text; None for a message of OCPP 2.1 that this interface does not have."""
    text = raw if isinstance(raw, str) else bytes(raw).decode(errors="replace")
    broken = decode(text, version.message_types, _NUMBERS)
    return broken if isinstance(broken, Malformed) else None


def answer_to_broken(raw: str | bytes, broken: Malformed, version: Version) -> CallError | None:
    """Return the CALLERROR for a text, as the session of the engine answers it; None if it gets no answer.

    An ID that is a number stays a number.
    """
    if broken.fault is Fault.CALL:
        code = ErrorCode.FORMAT_VIOLATION
    elif broken.fault is Fault.UNREADABLE and version.answers_unreadable:
        code = ErrorCode.RPC_FRAMEWORK_ERROR
    elif broken.fault is Fault.UNKNOWN_TYPE and version.answers_unknown_type:
        code = ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED
    else:
        return None
    message_id: object = UNREADABLE_ID if broken.message_id is None else broken.message_id
    with suppress(ValueError, RecursionError):
        frame = json.loads(raw)
        message_id = frame[1] if message_id != UNREADABLE_ID and type(frame[1]) is int else message_id
    return CallError(message_id, version.spell(code), broken.reason, {})


def malformed_answer_id(broken: Malformed) -> str | None:
    """Return the message ID if the text is a malformed response to a call."""
    return broken.message_id if broken.fault in {Fault.RESULT, Fault.ERROR} else None
