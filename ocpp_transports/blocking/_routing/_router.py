"""A route of a blocking server: handlers that run in threads, and the routes below it."""

from functools import partial
from typing import TypeVar, Unpack

from ocpp_transports._options._keywords import RouteKeywords
from ocpp_transports._server._routing._router import OCPPRouter
from ocpp_transports.blocking._registration import BlockingHandlerMixin
from ocpp_transports.blocking._threads._asked import ASKED, in_threads
from ocpp_transports.blocking._threads._bridge import Bridge
from ocpp_transports.handshake import AuthHandler, ConnectionMiddleware

__all__ = ["BlockingRouter"]

_A = TypeVar("_A", bound=AuthHandler)
_M = TypeVar("_M", bound=ConnectionMiddleware)


class BlockingRouter(BlockingHandlerMixin):
    """A route of a `BlockingServer`, which `BlockingServer.route` returns; see `OCPPRouter`.

    Handlers and functions for `auth`, `credentials` and other options run in threads if they are plain functions.
    """

    _wrapped: OCPPRouter

    def __init__(self, wrapped: OCPPRouter, bridge: Bridge) -> None:
        self._wrapped = wrapped
        self._bridge = bridge

    def __repr__(self) -> str:
        return f"<BlockingRouter {self._wrapped!r}>"

    def route(self, pattern: str, **options: Unpack[RouteKeywords]) -> "BlockingRouter":
        """Add a route below this one; see `OCPPRouter.route`.

        Args:
            pattern: The path below this router, beginning with `/`.
            **options: Options of the route.

        Returns:
            The router of the route.

        Raises:
            ValueError: The pattern is malformed, matches the same paths as another one, or an option is not allowed.
            TypeError: The pattern or an option has the wrong type.
        """
        add = partial(self._wrapped.route, pattern, **in_threads(self._bridge, options))
        return BlockingRouter(self._bridge.run(add), self._bridge)

    def auth(self, handler: _A) -> _A:
        """Register the function that accepts or rejects handshakes of the routes below; usable as a decorator.

        A plain function runs in a thread and may block; otherwise see `OCPPRouter.auth`.

        Raises:
            ValueError: One is registered already.
            TypeError: It is not callable.
        """
        self._bridge.run(self._wrapped.auth, self._bridge.in_thread(handler, *ASKED["auth"]))
        return handler

    def connection_middleware(self, middleware: _M) -> _M:
        """Wrap this middleware around the admission of stations of the routes below, inside the existing middleware.

        It is a coroutine function and runs in the event loop; see `OCPPRouter.connection_middleware`.

        Raises:
            TypeError: It is not a function of two arguments.
        """
        self._bridge.run(self._wrapped.connection_middleware, middleware)
        return middleware
