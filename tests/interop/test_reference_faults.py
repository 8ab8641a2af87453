"""What other implementations got wrong at the seams between connections, calls and handlers, over real sockets.

Only what no test of one part can show; each test says what must hold.
"""

from math import inf
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ocpp_transports import ConnectionLostError, ConnectionState, OCPPClient, RPCTypeConstraintViolationError
from tests.interop.raw import playing, station
from tests.link.wire import CLOSE, TEXT, answer, frame
from tests.transports.pairs import SECONDS, first, serving, station_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_left")]

OURS = ("Sec-WebSocket-Protocol", "ocpp1.6")


class Csms:
    """A server made of bytes: tells of each upgraded connection, in order, and keeps it until the test is over."""

    def __init__(self):
        self._tell, self._told = anyio.create_memory_object_stream[Any](10)
        self.port = 0

    async def script(self, raw):
        await raw.send(answer(await raw.head(), OURS))
        self._tell.send_nowait(raw)
        await anyio.sleep_forever()

    async def connection(self):
        with anyio.fail_after(SECONDS):
            return await self._told.receive()

    def close(self):
        self._tell.close()
        self._told.close()


@pytest.fixture
async def csms():
    made = Csms()
    async with playing(made.script) as port:
        made.port = port
        yield made
    made.close()


def client_of(port, **options):
    settings = {"protocols": ["ocpp1.6"], "backoff_min": 0.001, "backoff_max": 0.002, "close_timeout": 0.1}
    return OCPPClient("CP1", f"ws://127.0.0.1:{port}/ocpp", **{**settings, **options})


async def say(raw, text):
    await raw.send(frame(TEXT, text.encode(), masked=False))


class TestClosing:
    async def test_during_an_attempt_to_come_back_is_for_good(self):
        """The attempt that fails by the close must not schedule another one."""
        again, come = anyio.Event(), []

        async def script(raw):
            request = await raw.head()
            come.append(request)
            if len(come) == 1:
                await raw.send(answer(request, OURS) + frame(CLOSE, masked=False))
                await raw.closed()
            else:
                again.set()
                await raw.drained()

        async with playing(script) as port, client_of(port) as client, client.events("reconnect", "close") as events:
            await client.connect()
            with anyio.fail_after(SECONDS):
                await again.wait()
                await client.close()
            told = [type(event).__name__ async for event in events]
            assert told == ["ReconnectEvent", "CloseEvent"]
            assert client.state is ConnectionState.CLOSED
            await anyio.wait_all_tasks_blocked()
        assert len(come) == 2


class TestADroppedConnection:
    async def test_leaves_no_call_to_be_executed_after_its_caller_was_told_that_it_failed(self, csms):
        """A RemoteStart that the operator believes failed must not start a transaction an hour later."""
        sent = {}

        async def call(client, action):
            try:
                await client.call(action)
            except ConnectionLostError as error:
                sent[action] = error.sent

        async with client_of(csms.port) as client:
            await client.connect()
            raw = await csms.connection()
            async with anyio.create_task_group() as tasks:
                for action in ("First", "Second", "Third"):
                    tasks.start_soon(call, client, action)
                in_flight = (await raw.message())[2]
                await raw.reset()
            assert sent == {action: action == in_flight for action in ("First", "Second", "Third")}
            raw = await csms.connection()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.safe_call, "Fourth")
                message = await raw.message()
                assert message[2] == "Fourth"
                await say(raw, f'[3,"{message[1]}",{{}}]')

    async def test_takes_the_answers_of_its_handlers_with_it(self, csms):
        """On the next connection the same message id may stand for another CALL, as its payload tells."""
        running, finish = [], anyio.Event()
        began, done = anyio.Event(), anyio.Event()

        async def slow(ctx):
            running.append(ctx)
            if len(running) == 1:
                began.set()
                await finish.wait()
                done.set()
                return {"of": "the first connection"}
            return {"of": "the second connection"}

        async with client_of(csms.port) as client:
            client.handle("Slow", slow, custom=True)
            await client.connect()
            raw = await csms.connection()
            await say(raw, '[2,"same","Slow",{}]')
            with anyio.fail_after(SECONDS):
                await began.wait()
            await raw.reset()
            raw = await csms.connection()
            assert running[0].disconnected
            finish.set()
            with anyio.fail_after(SECONDS):
                await done.wait()
            await say(raw, '[2,"same","Slow",{"n":2}]')
            assert await raw.message() == [3, "same", {"of": "the second connection"}]

    async def test_keeps_what_the_offline_queue_holds_in_order_and_sends_it_once(self, csms):
        async with client_of(csms.port, offline_queue=True) as client, anyio.create_task_group() as tasks:
            await client.connect()
            raw = await csms.connection()
            tasks.start_soon(client.safe_call, "First")
            assert (await raw.message())[2] == "First"
            for action in ("Second", "Third"):
                tasks.start_soon(client.safe_call, action)
                await anyio.wait_all_tasks_blocked()
            await raw.reset()
            raw = await csms.connection()
            for action in ("Second", "Third"):
                message = await raw.message()
                assert message[2] == action
                await say(raw, f'[3,"{message[1]}",{{}}]')


class TestACall:
    async def test_may_wait_for_ever_for_its_answer(self, csms):
        """Elsewhere an infinite time-out overflows a timer and means one millisecond."""
        async with client_of(csms.port, call_timeout=0.01, call_concurrency=2) as client:
            await client.connect()
            raw = await csms.connection()
            answers = []

            async def call():
                answers.append(await client.call("Patient", timeout=inf))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                message = await raw.message()
                with pytest.raises(TimeoutError):
                    await client.call("Impatient")
                assert answers == []
                await say(raw, f'[3,"{message[1]}",{{"at":"last"}}]')
            assert answers == [{"at": "last"}]

    async def test_that_is_cancelled_in_the_pause_before_an_attempt_is_not_repeated(self, csms):
        async with client_of(csms.port) as client:
            await client.connect()
            raw = await csms.connection()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.call_repeatedly, client)
                assert (await raw.message())[2] == "Repeated"
                with anyio.fail_after(SECONDS):
                    while client.pending:  # until it timed out, and pauses
                        await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.safe_call, "Next")
                message = await raw.message()
                assert message[2] == "Next"
                await say(raw, f'[3,"{message[1]}",{{}}]')

    async def call_repeatedly(self, client):
        await client.call("Repeated", timeout=0.01, retries=5, retry_delay=600, retry_max_delay=600)

    async def test_whose_result_is_wrong_is_told_to_the_peer_on_2_1_alone(self):
        """OCPP 2.1 has CALLRESULTERROR for that; before it, nothing may be sent."""
        options = {"protocols": ["ocpp2.1", "ocpp2.0.1"], "strict_mode": True, "warm_up": False}
        async with serving(**options) as (server, listener):
            for protocol in ("ocpp2.1", "ocpp2.0.1"):
                async with station(listener.port, protocol, offer=protocol) as raw:
                    handle = await station_of(server, protocol)
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self.call_in_vain, handle)
                        message_id = (await raw.message())[1]
                        await raw.text([3, message_id, {"status": 5}])
                        await raw.text([2, "next", "Heartbeat", {"surplus": 1}])
                        if protocol == "ocpp2.1":
                            assert (await raw.message())[:3] == [5, message_id, "TypeConstraintViolation"]
                        assert (await raw.message())[:2] == [4, "next"]

    async def call_in_vain(self, handle):
        with pytest.raises(RPCTypeConstraintViolationError):
            await handle.call("Reset", {"type": "Immediate"})


class TestAStationWithoutListeners:
    async def test_lives_through_every_failure(self, csms, caplog):
        """An `error` that nobody listens to ends no process."""
        async with client_of(csms.port) as client:
            client.handle("Fails", lambda ctx: 1 / 0, custom=True)
            await client.connect()
            raw = await csms.connection()
            await say(raw, '[2,"1","Fails",{}]')
            assert (await raw.message())[:3] == [4, "1", "InternalError"]
            await say(raw, "nonsense")
            await raw.send(frame(3, masked=False))
            assert (await raw.closed())[0] == 1002
            await raw.reset()
            raw = await csms.connection()
            await say(raw, '[2,"2","Fails",{}]')
            assert (await raw.message())[1] == "2"


class TestAFailingListener:
    async def test_disturbs_neither_the_connection_nor_the_other_listeners(self):
        seen = []

        def fail(event):
            raise RuntimeError("a listener's own fault")

        async with serving(logging=False) as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)
            for name in ("message", "call", "bad_message", "error"):
                handle.on(name, fail)
            handle.on("call", lambda event: seen.append(event.action))
            async with handle.events("bad_message") as events:
                await raw.text("nonsense")
                await first(events)
            await raw.text([2, "1", "Seen", {}])
            assert (await raw.message())[:3] == [4, "1", "NotImplemented"]
        assert seen == ["Seen"]
