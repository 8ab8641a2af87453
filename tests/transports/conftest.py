"""Fixtures of the transport tests."""

import ssl
from types import SimpleNamespace

import anyio
import pytest
import trustme

from ocpp_transports._driver import _driver
from ocpp_transports._hosts import _anyio_stream as _anyio_host
from ocpp_transports._hosts import _asyncio_socket as _asyncio_host
from ocpp_transports._hosts._epoll import _connection as _epoll_host
from tests.transports.net import Net
from tests.transports.station import Station


@pytest.fixture
def make_station():
    """Make stations on fake hosts; what still runs when the test ends is closed."""
    made = []

    def make(**options):
        made.append(Station(**options))
        return made[-1]

    yield make
    for station in made:
        station.host.finish()


@pytest.fixture
def station(make_station):
    return make_station()


@pytest.fixture(params=["sockets", "streams"])
async def net(request, anyio_backend, caplog):
    """Each kind of host on each event loop; nothing may be left of it in the end, and no error logged."""
    async with anyio.create_task_group() as tasks:
        net = Net(request.param, tasks)
        yield net
        await net.runtime.aclose()
        tasks.cancel_scope.cancel()
    assert net.is_empty
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.fixture
def impatient(monkeypatch):
    """Let hosts lose patience soon; the true times are those of `test_host_clocks`."""
    monkeypatch.setattr(_driver, "SEND_TIMEOUT", 0.05)
    for module in (_asyncio_host, _anyio_host, _epoll_host):
        monkeypatch.setattr(module, "LINGER", 0.05)


@pytest.fixture
def patient(monkeypatch):
    """Let hosts linger until a busy machine has moved much output."""
    for module in (_asyncio_host, _anyio_host, _epoll_host):
        monkeypatch.setattr(module, "LINGER", 50)


@pytest.fixture(scope="session")
def tls():
    """TLS contexts of both sides; `mutual` and `member` with a client certificate, `stranger` of another authority."""
    authority, other = trustme.CA(), trustme.CA()
    server, mutual = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    client, member, stranger = (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(3))
    for context in (server, mutual):
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    for context in (mutual, client, member):
        authority.configure_trust(context)
    other.configure_trust(stranger)
    mutual.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("CP1", common_name="CP1").configure_cert(member)
    return SimpleNamespace(server=server, mutual=mutual, client=client, member=member, stranger=stranger)
