"""The paths that a server answers by itself with the option `http`: `/health`, `/ready` and `/metrics`."""

from collections.abc import Callable
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from ocpp_core.admission.credentials import decode_basic
from ocpp_core.inputs import Respond
from ocpp_core.websocket.headers import BASIC_CHALLENGE
from ocpp_transports._options._server import ServerOptions
from ocpp_transports.plain_http import PlainRequest

if TYPE_CHECKING:
    from ocpp_transports._metrics._metrics import Metrics

__all__ = ["METHODS", "METRICS", "WRONG_METHOD", "StockPages"]

METHODS: Final = ("GET", "HEAD")
"""The methods that a page answers."""
WRONG_METHOD: Final = Respond(405, (("allow", "GET, HEAD"),), b"expected GET or HEAD")
METRICS: Final = "/metrics"
"""The path of the metrics."""
_PATHS: Final = ("/health", "/ready", METRICS)
_FRESH: Final = ("cache-control", "no-store")
_JSON: Final = (("content-type", "application/json"), _FRESH)
_HEALTHY: Final = Respond(200, _JSON, b'{"status":"ok"}')
_READY: Final = Respond(200, _JSON, b'{"status":"ready"}')
_DRAINING: Final = Respond(503, (*_JSON, ("retry-after", "10")), b'{"status":"draining"}')
_UNAUTHORIZED: Final = Respond(401, (BASIC_CHALLENGE, _FRESH), b"Unauthorized")
_ALIVE: Final = Respond(200, (("allow", "GET, HEAD"), _FRESH), b"")


class StockPages:
    """Answers these paths at once and without a place among the requests that wait, also while the server drains."""

    def __init__(self, is_draining: Callable[[], bool]) -> None:
        self._is_draining = is_draining

    def answer(self, request: PlainRequest, options: ServerOptions) -> Respond | None:
        """Return the response, or None for any other path or if the option `http` is off."""
        if not options.http:
            return None
        if request.method == "OPTIONS":  # the health check of HAProxy that names no path
            return _DRAINING if self._is_draining() else _ALIVE
        if request.path not in _PATHS or (request.path == METRICS and options.meter is None):
            return None
        return self._page(request, options) if request.method in METHODS else WRONG_METHOD

    def _page(self, request: PlainRequest, options: ServerOptions) -> Respond:
        if request.path == "/health":
            return _HEALTHY
        if request.path == "/ready" or options.meter is None:
            return _DRAINING if self._is_draining() else _READY
        return _metrics_page(request, options.meter) if _may_read_metrics(request, options) else _UNAUTHORIZED


def _may_read_metrics(request: PlainRequest, options: ServerOptions) -> bool:
    if options.metrics_credentials is None:
        return True
    user, expected = options.metrics_credentials
    password = decode_basic(request.headers.get("authorization", ""), user)
    return compare_digest(b"" if password is None else password, expected.encode()) and password is not None


def _metrics_page(request: PlainRequest, metrics: "Metrics") -> Respond:
    from ocpp_transports._metrics._exposition import OPENMETRICS_TYPE, TEXT_TYPE  # loaded with the option `metrics`

    openmetrics = "application/openmetrics-text" in request.headers.get("accept", "")
    kind = OPENMETRICS_TYPE if openmetrics else TEXT_TYPE
    return Respond(
        200, (("content-type", kind), _FRESH), metrics.text(openmetrics=openmetrics).encode(errors="replace")
    )
