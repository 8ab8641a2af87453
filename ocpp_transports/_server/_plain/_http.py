"""Plain HTTP requests on the port of a server: the functions that answer them, and their responses.

Load balancers and other programs send plain requests to a server's port. A function that is registered for the path
returns the response; every other plain request gets 426, because this port speaks WebSocket.

An `Exchange` is one request and its function. It guarantees exactly one response, within `handler_timeout` and
`handshake_timeout`, that never contains the text of an exception. A request whose function has to be awaited counts as
a handshake that waits for its decision. A request that is answered at once needs no place, so `/health` responds
however many handshakes wait. The function must never outlive its connection: `stop` cancels it.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from inspect import iscoroutine
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.inputs import Respond
from ocpp_transports._callbacks._containment import is_cancellation
from ocpp_transports._driver._interfaces import Completion, Handle, Runtime, complete
from ocpp_transports._handlers._table import is_coroutine_function
from ocpp_transports._options._connection import off_at_zero
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._admitting._places import Places
from ocpp_transports.events import SecurityEvent
from ocpp_transports.plain_http import HttpHandler, PlainRequest

from ._budget import ResponseBudget
from ._http_handlers import HttpHandlers, read_answer
from ._stock import METHODS, METRICS, WRONG_METHOD, StockPages

if TYPE_CHECKING:
    from ocpp_transports._server._admitting._proxy_reports import ProxyReports

__all__ = ["Exchange", "HttpMixin", "PlainRequests"]

_UPGRADE_REQUIRED: Final = Respond(426, (("upgrade", "websocket"),), b"Upgrade Required")
_FORBIDDEN: Final = Respond(403, (), b"Forbidden")
_FAILED: Final = Respond(500, (), b"Internal Server Error")
_RETRY: Final = (("retry-after", "10"),)
_BUSY: Final = Respond(503, _RETRY, b"Busy")
_CLOSING: Final = Respond(503, _RETRY, b"Closing")

HttpHandlerT = TypeVar("HttpHandlerT", bound=HttpHandler)


class HttpMixin(ABC):
    """The part of a server that answers plain requests."""

    _http_handlers: HttpHandlers

    def http(self, path: str) -> Callable[[HttpHandlerT], HttpHandlerT]:
        """Register a function that answers the plain GET and HEAD requests of a path; use it as a decorator.

            @server.http("/stations")
            def stations(request):
                return 200, {}, [station.identity for station in server.clients]

        It is a function or coroutine function of a `PlainRequest`, and returns status, header fields and body
        (`HttpAnswer`). Other methods get 405, paths without a function 426. The peer gets 500 and the server emits
        `error` if the function raises, returns anything else, exceeds `max_outgoing_size` bytes, or does not return
        within `handler_timeout` and `handshake_timeout`; after the latter, a peer on the library's own sockets may get
        408 instead. While the function has to be awaited, its request counts as a handshake that waits for its decision
        (`max_handshakes`, 503). The connection is closed after the response; on the library's own sockets the peer has
        5 s to receive it, beyond what the operating system buffers.

        Raises:
            ValueError: The path has a function already, or is not valid in a request.
            TypeError: It is not a function.
        """

        def register(handler: HttpHandlerT) -> HttpHandlerT:
            self._http_handlers.add(path, handler)
            return handler

        return register

    async def http_response(self, request: PlainRequest) -> Respond:
        """Answer a plain request that another library received, with the functions registered by `http`.

        Returns status, headers and body; 426 for a path without a function. Cancelling it means that the peer has left.
        """
        return await self._plain_requests().answer(request)

    @abstractmethod
    def _plain_requests(self) -> "PlainRequests": ...


class PlainRequests:
    """Answers the plain requests of one server.

    `failed` is called for the mistakes of a function, `alarmed` for a request that the gate for addresses, a limit or
    the check of `metrics_credentials` refused.
    """

    def __init__(
        self,
        handlers: HttpHandlers,
        options: ServerOptions,
        *,
        runtime: Runtime,
        places: Places,
        failed: Callable[[str, BaseException], None],
        is_draining: Callable[[], bool],
        alarmed: Callable[[SecurityEvent], None],
    ) -> None:
        self.options = options
        self.reports: ProxyReports | None = None
        self.is_closing = False
        self.runtime = runtime
        self.places = places
        self.failed = failed
        self.alarmed = alarmed
        self._handlers = handlers
        self._stock = StockPages(is_draining)
        self._budget = ResponseBudget(runtime.now)

    def begin(
        self, request: PlainRequest, facts: ConnectionFacts, respond: Callable[[Respond], None]
    ) -> "Exchange | None":
        """Call `respond` once, now or later; later only if something is returned, and its `stop` prevents the call."""
        gate = self.options.address_gate
        if gate is not None and not gate.admits(facts.remote_address):
            self.alarmed(SecurityEvent("denied_address", None, facts.remote_address, "", 403, "Forbidden"))
            respond(_FORBIDDEN)
            return None
        handler = self._handlers.find(request.path)
        if handler is None:
            respond(self._stock_answer(request, facts))
            return None
        if (refusal := self._refusal(request)) is not None:
            respond(refusal)
            return None
        exchange = Exchange(self, request, facts, partial(self._respond, respond))
        exchange.begin(handler)
        return exchange

    async def answer(self, request: PlainRequest) -> Respond:
        """Answer a request that another library received; cancelling it means that the peer has left."""
        completion: Completion[Respond] = self.runtime.completion()
        facts = ConnectionFacts(request.remote_address)
        if self.reports is not None:
            facts = self.reports.reported(facts, request.headers)
            request = replace(request, remote_address=facts.remote_address)
        exchange = self.begin(request, facts, partial(complete, completion))
        try:
            return await completion
        finally:
            if exchange is not None:
                exchange.stop()

    def _stock_answer(self, request: PlainRequest, facts: ConnectionFacts) -> Respond:
        """Return the response to a request for a path without a function."""
        if request.path == METRICS and self._budget.is_spent:
            return _BUSY
        answer = self._stock.answer(request, self.options)
        if answer is not None:
            self._budget.spend(len(answer.body))
            if answer.status == 401:
                detail = f"wrong or missing credentials for {request.path}"
                self.alarmed(
                    SecurityEvent("bad_credentials", None, facts.remote_address, detail, 401, answer.body.decode())
                )
            return answer
        return WRONG_METHOD if request.method == "OPTIONS" else _UPGRADE_REQUIRED

    def _refusal(self, request: PlainRequest) -> Respond | None:
        if request.method not in METHODS:
            return WRONG_METHOD
        if self.is_closing:
            return _CLOSING
        return _BUSY if self._budget.is_spent else None

    def _respond(self, respond: Callable[[Respond], None], answer: Respond) -> None:
        self._budget.spend(len(answer.body))
        respond(answer)


class Exchange:
    """One request that a function answers."""

    def __init__(
        self, server: PlainRequests, request: PlainRequest, facts: ConnectionFacts, respond: Callable[[Respond], None]
    ) -> None:
        self.facts = facts
        self._server = server
        self._request = request
        self._respond = respond
        self._task: Handle | None = None
        self._timer: Handle | None = None

    def begin(self, handler: HttpHandler) -> None:
        """Call the function; if it has to be awaited it gets a task, in which a coroutine function is called too."""
        if is_coroutine_function(handler):
            self._wait(lambda: handler(self._request))
            return
        try:
            answer = handler(self._request)
            is_awaitable = isinstance(answer, Awaitable)
        except BaseException as error:  # the application's own code; the peer learns nothing of it
            self._fail("raised", error)
            return
        if not is_awaitable:
            self._answer(answer)
        elif not self._wait(lambda: answer) and iscoroutine(answer):
            answer.close()

    def stop(self) -> None:
        """End it without a response: the peer has left. Harmless after the end."""
        self._leave(cancel=True)

    def expire(self) -> None:
        """Report that it took too long, and respond with 500 unless the engine did. Harmless after the end."""
        if self._leave(cancel=True):
            self._fail("took too long", TimeoutError(f"no response within {self._limit():.15g} s"))

    def give_up(self) -> None:
        """Refuse it now, because the server closes.

        This also ends the task, unless that task closes the server.
        """
        if self._leave():
            self._respond(_CLOSING)

    def _wait(self, ask: Callable[[], Any]) -> bool:
        """Await the answer in a task; return False if too many requests wait, which is the answer then."""
        runtime, places, limit = self._server.runtime, self._server.places, self._limit()
        if places.is_busy(self.facts):
            self._server.alarmed(SecurityEvent("busy", None, self.facts.remote_address, "", 503, "Busy"))
            self._respond(_BUSY)
            return False
        places.begin_waiting(self)
        self._task = runtime.spawn(self._run(ask))
        if isfinite(limit):
            self._timer = runtime.call_at(runtime.now() + limit, self.expire)
        return True

    def _limit(self) -> float:
        options = self._server.options
        return min(off_at_zero(options.handler_timeout), options.handshake_limit)

    async def _run(self, ask: Callable[[], Any]) -> None:
        try:
            answer = await ask()
        except BaseException as error:
            if is_cancellation(error):
                raise
            if self._leave():
                self._fail("raised", error)
            return
        if self._leave():
            self._answer(answer)

    def _leave(self, *, cancel: bool = False) -> bool:
        """Return True if it was still waiting for its function, and stop waiting."""
        if not self._server.places.stop_waiting(self):
            return False
        if self._timer is not None:
            self._timer.cancel()
        if cancel and self._task is not None:
            self._task.cancel()
        return True

    def _answer(self, answer: object) -> None:
        try:
            response = read_answer(answer, self._server.options.max_outgoing_size)
        except BaseException as error:  # the application's values may raise when they are read
            self._fail("returned an invalid response", error)
        else:
            self._respond(response)

    def _fail(self, what: str, error: BaseException) -> None:
        """Respond with 500; a cancellation of the task is raised again."""
        if is_cancellation(error):
            raise error
        self._respond(_FAILED)
        self._server.failed(f"the http handler of {self._request.path} {what}", error)
