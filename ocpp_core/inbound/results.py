"""Results that cannot be sent as they are, and those of handlers that outlived their connection."""

from collections.abc import Callable

from ocpp_core.actions import Direction, Dispatch, InvalidPayload, Report, ReportKind
from ocpp_core.config import SessionConfig, Violation
from ocpp_core.inputs import Reply
from ocpp_core.messages import encode_result, expect_size
from ocpp_core.outbound.violations import is_tolerated, violation_error
from ocpp_core.versions import Version

__all__ = ["late_result", "unencodable", "violating"]


def unencodable(request: Dispatch, reply: Reply, error: Exception) -> Report:
    """Return the report of a result that is not JSON or too large."""
    detail = f"{request.action} CALLRESULT: {error}"
    return Report(ReportKind.INVALID_REPLY, detail, request.message_id, reply.payload, error, request.action)


def violating(
    request: Dispatch,
    reply: Reply,
    violation: Violation,
    config: SessionConfig,
    version: Version,
    emit: Callable[[Report], None],
) -> Report | None:
    """Return the report of a result that breaks its schema; None, and report it, if that is tolerated.

    Args:
        request: The request.
        reply: The result.
        violation: What breaks the schema.
        config: The config of the session.
        version: The version of the session.
        emit: Takes the report.
    """
    invalid = InvalidPayload(Direction.OUT, "result", request.action, request.message_id, reply.payload, violation)
    if is_tolerated(invalid, config, version, emit):
        return None
    return invalid.report(ReportKind.INVALID_REPLY, violation_error(violation, version))


def late_result(
    request: Dispatch, reply: Reply, config: SessionConfig, version: Version, emit: Callable[[Report], None]
) -> str | None:
    """Return the CALLRESULT of a handler that outlived its connection; None, and report it, if it cannot be sent.

    Args:
        request: The request.
        reply: The result.
        config: The config of the session.
        version: The version of the session.
        emit: Takes the reports.
    """
    try:
        text = encode_result(request.message_id, reply.payload)
        expect_size(text, config.max_outgoing_size)
    except (TypeError, ValueError) as error:
        emit(unencodable(request, reply, error))
        return None
    check = config.check_sent_result
    violation = None if check is None else check(request.action, reply.payload)
    report = None if violation is None else violating(request, reply, violation, config, version, emit)
    if report is not None:
        emit(report)
        return None
    return text
