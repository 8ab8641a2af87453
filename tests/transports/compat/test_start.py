"""Runs of `start` that end while others read, and exceptions of connections and handlers of any kind."""

import asyncio

import pytest

from ocpp_transports.compat.exceptions import ResponseLostError
from ocpp_transports.compat.routing import on
from ocpp_transports.compat.v16 import ChargePoint, call, call_result
from tests.transports.compat.wire import Station, Wire, settled

pytestmark = pytest.mark.anyio

ACCEPTED = {"status": "Accepted"}


class EndedError(BaseException):
    """No Exception, as what test frameworks raise to end a test."""


class SingleWire(Wire):
    """Lets one task read, as the connections of websockets do."""

    is_read = False

    async def recv(self):
        if self.is_read:
            raise RuntimeError("another task reads")
        self.is_read = True
        try:
            return await super().recv()
        finally:
            self.is_read = False


@pytest.fixture
async def run():
    """Start coroutines; what still runs is cancelled in the end."""
    tasks = []

    def start(coroutine):
        tasks.append(asyncio.create_task(coroutine))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_end_of_a_replaced_connection_ends_no_call_of_the_new_one(run):
    old, new = Wire(), Wire()
    cp = Station("CP1", old)
    former = run(cp.start())
    await settled()
    cp._connection = new
    run(cp.start())
    calling = run(cp.call(call.ClearCache(), unique_id="a"))
    await new.next()
    old.feed(ConnectionError("old"))
    with pytest.raises(ConnectionError, match="old"):
        await former
    new.feed([3, "a", ACCEPTED])
    assert (await calling).status == "Accepted"


async def test_the_cancellation_of_its_reader_ends_no_handler_of_the_new_one(run):
    release = asyncio.Event()

    class Slow(ChargePoint):
        @on("Reset")
        async def on_reset(self, **kwargs):
            await release.wait()
            return call_result.Reset("Accepted")

    new = Wire()
    cp = Slow("CP1", Wire())
    former = run(cp.start())
    await settled()
    cp._connection = new
    run(cp.start())
    new.feed([2, "1", "Reset", {"type": "Soft"}])
    await settled()
    former.cancel()
    await settled()
    release.set()
    assert await new.next() == [3, "1", ACCEPTED]


async def test_a_second_run_that_may_not_read_disturbs_nothing(run):
    cp = Station("CP1", SingleWire())
    run(cp.start())
    calling = run(cp.call(call.ClearCache(), unique_id="a"))
    await cp._connection.next()
    with pytest.raises(RuntimeError, match="another task reads"):
        await cp.start()
    cp._connection.feed([3, "a", ACCEPTED])
    assert (await calling).status == "Accepted"


async def test_a_handler_that_ends_start_ends_the_calls_that_wait(run):
    class Ending(ChargePoint):
        @on("Reset")
        def on_reset(self, **kwargs):
            raise EndedError

    cp = Ending("CP1", Wire())
    calling = run(cp.call(call.ClearCache()))
    cp._connection.feed([2, "1", "Reset", {"type": "Soft"}])
    with pytest.raises(EndedError):
        await cp.start()
    with pytest.raises(ResponseLostError, match="`start` ended"):
        await calling


async def test_a_cancellation_that_recv_raises_by_itself_is_a_lost_connection(run):
    cp = Station("CP1", Wire())
    calling = run(cp.call(call.ClearCache()))
    await cp._connection.next()

    async def recv():
        raise asyncio.CancelledError

    cp._connection.recv = recv
    with pytest.raises(asyncio.CancelledError):
        await cp.start()
    with pytest.raises(ResponseLostError, match="`start` ended"):
        await calling


async def test_a_timeout_of_send_is_not_one_of_the_response():
    cp = Station("CP1", Wire())

    async def send(text):
        raise TimeoutError("the socket")

    cp._connection.send = send
    with pytest.raises(TimeoutError, match=r"^the socket$"):
        await cp.call(call.ClearCache())
    assert not cp._call_lock.locked()
