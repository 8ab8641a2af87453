"""How long hosts have patience, on event loops whose clock jumps to the next thing that happens."""

import asyncio
import selectors

import anyio
import pytest
import trio.testing

from ocpp_core.actions import CloseStream, SendBytes
from ocpp_transports._driver._limits import LINGER, SEND_TIMEOUT
from tests.transports.net import Probe

TOO_MUCH = b"x" * 20_000_000


class JumpingSelector(selectors.DefaultSelector):
    """Never waits: adds the wait to the clock."""

    jumped = 0.0
    stands = False

    def select(self, timeout=None):
        ready = super().select(0)
        if self.stands or ready or timeout is None or timeout <= 0:
            return ready or super().select(timeout)
        self.jumped += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.jumping = JumpingSelector()
        super().__init__(self.jumping)

    def time(self):
        return super().time() + self.jumping.jumped

    async def shutdown_default_executor(self, *args):
        """Let real time pass: from Python 3.12 on the loop waits for its threads with a limit."""
        self.jumping.stands = True
        await super().shutdown_default_executor(*args)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(lambda: ("asyncio", {"loop_factory": JumpingLoop}), id="asyncio"),
        pytest.param(lambda: ("trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}), id="trio"),
    ],
)
def anyio_backend(request):
    return request.param()


pytestmark = pytest.mark.anyio


@pytest.fixture
async def connected(net):
    """A probe and its peer, which reads nothing."""
    probe = Probe()
    async with net.pair(probe) as peer:
        yield probe, peer


async def lasts(probe):
    """How long it takes until the end is fed.

    With congestion it may be longer than a quarter beyond the limit: what the peer's kernel confirms, it confirms in
    its own time, while this loop's time jumps. `test_patience` measures it without a kernel.
    """
    start = probe.driver.runtime.now()
    with anyio.fail_after(100):
        while not probe.ends:
            await probe.changed()
    return probe.driver.runtime.now() - start


async def test_congestion_may_last_30_seconds_without_progress(connected):
    probe, _ = connected
    probe.do(SendBytes(TOO_MUCH))
    assert await lasts(probe) >= SEND_TIMEOUT - 0.1


async def test_a_close_may_linger_5_seconds(connected):
    probe, _ = connected
    probe.do(CloseStream())
    assert await lasts(probe) == pytest.approx(LINGER, abs=0.1)
    assert LINGER == 5


async def test_a_close_of_a_congested_connection_lingers_no_longer(connected):
    probe, _ = connected
    probe.do(SendBytes(TOO_MUCH))
    probe.do(CloseStream())
    assert await lasts(probe) == pytest.approx(LINGER, abs=0.1)


async def test_congestion_that_comes_and_goes_is_measured_anew(connected):
    probe, peer = connected
    probe.do(SendBytes(TOO_MUCH))
    with anyio.move_on_after(SEND_TIMEOUT - 1):
        await anyio.Event().wait()
    got = 0
    while got < len(TOO_MUCH):
        got += len(await peer.receive())
    await probe.until(lambda: probe.congestion == [True, False])
    probe.do(SendBytes(TOO_MUCH))
    assert await lasts(probe) >= SEND_TIMEOUT - 0.1


@pytest.mark.parametrize("net", ["sockets"], indirect=True)
async def test_a_tls_handshake_may_take_30_seconds(net, tls):
    probe = Probe()
    start = net.runtime.now()
    port = await net.serve(probe, ssl=tls.server)
    async with await anyio.connect_tcp("127.0.0.1", port) as peer:
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await peer.receive()
    assert net.runtime.now() - start == pytest.approx(30, abs=0.1)
    assert not probe.has_ended(0)
