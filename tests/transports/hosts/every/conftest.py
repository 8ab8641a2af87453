"""Every host in turn: sockets, another library's WebSocket, an ASGI server, a page, memory."""

import pytest

from ocpp_transports import (
    ConnectionFailedError,
    OCPPServer,
    UnexpectedHttpResponse,
)
from tests.conftest import BACKENDS
from tests.transports.carriers import CARRIERS

LOOPS = {parameter.values[0][0]: parameter for parameter in BACKENDS if parameter.id != "uvloop"}


@pytest.fixture(
    params=[
        pytest.param((name, LOOPS[loop].values[0]), id=f"{name}-{loop}")
        for name, (_, loops) in CARRIERS.items()
        for loop in loops
    ]
)
def host(request):
    return request.param


@pytest.fixture
def anyio_backend(host):
    return host[1]


@pytest.fixture
def serving(host):
    """Run a server of OCPP 1.6 (or as the options say); yields it and what makes clients of it."""
    carrier, _ = CARRIERS[host[0]]

    def run(**options):
        server = OCPPServer(**{"protocols": ["ocpp1.6"], **options})
        server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
        return carrier(server)

    return run


@pytest.fixture
def refusal(host):
    """The error of a refused client: a page is never told the status."""
    return ConnectionFailedError if host[0] == "page" else UnexpectedHttpResponse
