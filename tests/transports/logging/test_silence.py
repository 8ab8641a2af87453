"""That `logging=False` means silence, whatever carries the messages and whatever goes wrong."""

import logging
from pathlib import Path

import pytest

from ocpp_transports import (
    ConnectionFailedError,
    OCPPServer,
    RPCInternalError,
    RPCNotImplementedError,
    UnexpectedHttpResponse,
)
from tests.conftest import BACKENDS
from tests.transports.carriers import CARRIERS
from tests.transports.pairs import first, station_of

ROOT = Path(__file__).parents[3]
LOOPS = {parameter.values[0][0]: parameter.values[0] for parameter in BACKENDS if parameter.id != "uvloop"}
OTHERS = ("asyncio", "uvicorn")
"""Loggers that are not the library's: of the event loop, and of a server that it may run in."""


@pytest.fixture(params=[(name, loop) for name, (_, loops) in CARRIERS.items() for loop in loops], ids="-".join)
def host(request):
    return request.param


@pytest.fixture
def anyio_backend(host):
    return LOOPS[host[1]]


def test_all_that_is_logged_goes_to_one_logger():
    """Except in `compat`, whose programs know the logger of the package `ocpp`."""
    sources = [path for name in ("ocpp_core", "ocpp_transports") for path in (ROOT / name).rglob("*.py")]
    sources = [path for path in sources if "compat" not in path.relative_to(ROOT).parts]
    makers = [path.name for path in sources if "getLogger" in path.read_text(encoding="utf-8")]
    assert makers == ["_log.py"]


@pytest.mark.anyio
@pytest.mark.parametrize("is_on", [True, False])
async def test_no_logger_of_the_library_writes_unless_it_may(host, caplog, is_on):
    def auth(accept, reject, handshake):
        reject(418) if handshake.identity == "REFUSED" else accept()

    def fail(*_):
        raise RuntimeError("of the application")

    caplog.set_level(logging.DEBUG)
    carrier, _ = CARRIERS[host[0]]
    async with (
        carrier(OCPPServer(protocols=["ocpp1.6"], auth=auth, logging=is_on)) as door,
        door.client("REFUSED", logging=is_on) as refused,
        door.client(logging=is_on) as client,
    ):
        door.server.on("client", fail)
        door.server.handle("Authorize", fail)
        client.on("open", fail)
        client.handle("Reset", fail)
        with pytest.raises((UnexpectedHttpResponse, ConnectionFailedError)):
            await refused.connect()
        await client.connect()
        station = await station_of(door.server)
        for failing in (client.call("Authorize"), client.call("BootNotification"), station.call("Reset")):
            with pytest.raises((RPCInternalError, RPCNotImplementedError)):
                await failing
        async with station.events("bad_message") as to_server, client.events("bad_message") as to_client:
            await client.send_raw("[]")
            await station.send_raw("[]")
            await first(to_server)
            await first(to_client)
    ours = {record.name for record in caplog.records if record.name.partition(".")[0] not in OTHERS}
    assert bool(ours) is is_on
