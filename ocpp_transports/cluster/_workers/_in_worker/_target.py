"""The function of the application that makes the server of a worker."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from inspect import isawaitable
from operator import attrgetter

from ocpp_transports.server import OCPPServer

__all__ = ["make_server"]


async def make_server(target: str) -> OCPPServer:
    """Import and call the function. Raises TypeError if it returns something else, and what the application raises."""
    module, _, name = target.partition(":")
    function: Callable[[], OCPPServer | Awaitable[OCPPServer]] = attrgetter(name)(import_module(module))
    made = function()
    server = await made if isawaitable(made) else made
    if not isinstance(server, OCPPServer):
        raise TypeError(f"expected an OCPPServer from {target}, got {type(server).__name__}")
    return server
