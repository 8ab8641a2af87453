"""A span of OpenTelemetry for each call, in both directions: `pip install ocpp-ws-io[tracing]`.

    server.use(tracing())               # of all stations
    client.use(tracing())               # or of one client

The span of a received CALL lasts from its arrival until its handler has returned, so it includes the time for which the
CALL was held. The span of an own call lasts from `call` to its outcome, so it includes the time in the queue. While a
handler runs, its span is the current one: spans of its calls to a station, and of its database, are children of it.
OCPP-J has no field for the context of a trace, so the spans of both ends are not connected.

Register it first: middleware that is registered before it runs outside of the span.
"""

from collections.abc import Awaitable, Callable
from time import time_ns
from typing import Any, Final, ParamSpec, TypeVar

import anyio
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider

from ocpp_core._version import __version__
from ocpp_core.errors import ConnectionLostError, OCPPError, RPCError
from ocpp_transports._callbacks._containment import is_cancellation
from ocpp_transports._handlers._contexts import CallContext, HandlerContext
from ocpp_transports._handlers._table import Middleware
from ocpp_transports._logging._log import LOGGER
from ocpp_transports._metrics._labels import KNOWN_ACTIONS, OTHER

__all__ = ["tracing"]

_LONGEST: Final = 100
"""Characters of an action or an error code that a span has; a peer may choose them."""

_P = ParamSpec("_P")
_ResultT = TypeVar("_ResultT")


def tracing(tracer_provider: TracerProvider | None = None) -> Middleware:
    """Return the middleware that makes a span of each call; without a provider it uses the global one.

    If a sampler or a span processor raises, the exception is logged, and the call continues. A span that is not sampled
    costs no attributes. The attributes follow the semantic conventions for RPC: `rpc.system`
    (`ocpp`), `rpc.method` (the action), `network.protocol.version`, and `error.type` for a failure. The identity of the
    station is `ocpp.identity`, the message ID `ocpp.message_id`. Payloads are not recorded.
    """
    tracer = trace.get_tracer("ocpp_ws_io", __version__, tracer_provider)

    async def trace_call(context: Any, proceed: Callable[[], Awaitable[Any]]) -> Any:
        span = _contained(_begin, tracer, context) or trace.INVALID_SPAN
        with trace.use_span(span, record_exception=False, set_status_on_exception=False):
            try:
                return await proceed()
            except BaseException as error:
                _contained(_fail, span, error)
                raise
            finally:
                _contained(span.end)

    return trace_call


def _contained(trace_step: Callable[_P, _ResultT], *args: _P.args, **kwargs: _P.kwargs) -> _ResultT | None:
    """Do a step of tracing; log what it raises, because a call must not fail for a sampler or a span processor."""
    try:
        return trace_step(*args, **kwargs)
    except Exception:
        LOGGER.exception("cannot trace a call")
        return None


def _begin(tracer: Tracer, context: "HandlerContext[Any, Any] | CallContext[Any]") -> Span:
    """Start a span; the sampler decides before any attribute is made."""
    action = context.action if context.action in KNOWN_ACTIONS else OTHER
    if isinstance(context, CallContext):
        span = tracer.start_span(f"ocpp/{action}", kind=SpanKind.CLIENT)
    else:
        waited = anyio.current_time() - context.received_at
        span = tracer.start_span(f"ocpp/{action}", kind=SpanKind.SERVER, start_time=time_ns() - int(waited * 1e9))
    if span.is_recording():
        span.set_attributes(
            {
                "rpc.system": "ocpp",
                "rpc.method": context.action[:_LONGEST],
                "network.protocol.name": "ocpp",
                "network.protocol.version": (context.protocol or "").removeprefix("ocpp"),
                "ocpp.identity": context.client.identity,
            }
        )
        if isinstance(context, HandlerContext):
            span.set_attribute("ocpp.message_id", context.message_id)
    return span


def _fail(span: Span, error: BaseException) -> None:
    """Record a failure: the error code of a CALLERROR, or the name of any other exception."""
    if not span.is_recording():
        return
    kind = type(error).__name__
    if isinstance(error, RPCError) and not isinstance(error, ConnectionLostError):
        kind = str(error.code)[:_LONGEST]
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, "cancelled" if is_cancellation(error) else kind))
    if not isinstance(error, OCPPError) and not is_cancellation(error):
        span.record_exception(error)
