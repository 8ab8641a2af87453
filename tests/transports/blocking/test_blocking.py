"""`BlockingClient` and `BlockingServer`, used from threads, on each kind of event loop that differs."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from ocpp_transports import (
    NOREPLY,
    ClosedError,
    ConnectionLostError,
    ConnectionState,
    HandlerContext,
    OCPPError,
    RPCInternalError,
    RPCNotImplementedError,
    TimeoutError,
)
from ocpp_transports._callbacks._fair_turns import FairTurns
from ocpp_transports._server._lifecycle._serving import Loop
from ocpp_transports.blocking import (
    BlockingClient,
    BlockingHandlerContext,
    BlockingServer,
)
from ocpp_transports.events import CloseEvent, HandlerErrorEvent
from tests.kinds import an
from tests.transports.blocking.waiting import SECONDS, event


class TestCalls:
    def test_both_ends_call_and_return_the_payload(self, connect):
        with connect() as (client, station):
            client.handle("ClearCache", lambda ctx: {"status": "Accepted"})
            assert station.call("ClearCache", {}) == {"status": "Accepted"}
            assert station.call_immediate("ocpp1.6", "ClearCache") == {"status": "Accepted"}
            assert client.safe_call("Heartbeat") is None
            with pytest.raises(RPCNotImplementedError):
                client.call("Heartbeat")

    def test_a_server_calls_by_identity(self, connect, server):
        with connect() as (client, _):
            client.handle("ClearCache", lambda ctx: {"status": "Accepted"})
            assert server.call("CP1", "ClearCache", {}) == {"status": "Accepted"}
            assert server.safe_call("CP2", "ClearCache", {}) is None
            with pytest.raises(ConnectionLostError, match="not connected"):
                server.call("CP2", "ClearCache", {})

    def test_many_threads_call_at_a_time(self, connect, server):
        server.handle("DataTransfer", lambda ctx: {"status": "Accepted", "data": ctx.params["data"]})
        with connect() as (client, _), ThreadPoolExecutor(20) as threads:
            answers = threads.map(lambda n: client.call("DataTransfer", {"vendorId": "a", "data": str(n)}), range(100))
            assert [answer["data"] for answer in answers] == [str(n) for n in range(100)]

    def test_max_wait_limits_a_call_that_has_no_limit_of_its_own(self, connect, server):
        server.handle("Heartbeat", lambda ctx: NOREPLY)
        with connect(call_timeout=SECONDS) as (client, _):
            with pytest.raises(TimeoutError, match=r"no result within 0\.01 s") as raised:
                client.call("Heartbeat", max_wait=0.01)
            assert raised.value.sent
            with pytest.raises(ValueError, match="expected max_wait"):
                client.call("Heartbeat", max_wait=-1)

    def test_max_wait_may_be_longer_than_the_waits_of_python(self, connect, server):
        server.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
        with connect() as (client, _):
            assert client.call("Heartbeat", max_wait=1e20) == {"currentTime": "now"}

    def test_a_check_may_block(self, connect, server):
        server.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
        threads = []
        with connect() as (client, _):
            client.call("Heartbeat", check=lambda payload: threads.append(threading.current_thread()))
        assert threads[0] not in {threading.main_thread(), None}

    def test_raw_text_is_sent_and_answered(self, connect, server):
        server.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
        with connect() as (client, station):
            assert client.send_raw('[2,"m1","Heartbeat",{}]', expect_reply=True) == {"currentTime": "now"}
            with client.events("message", max_wait=SECONDS) as messages:
                station.send_raw('[2,"m2","Reset",{"type":"Hard"}]')
                assert next(messages).message_id == "m2"

    def test_a_coroutine_function_calls_many_at_once(self, connect, server):
        async def call_twice():
            async with anyio.create_task_group() as tasks:
                for _ in range(2):
                    tasks.start_soon(server.wrapped.call, "CP1", "ClearCache", {})
            return "both"

        with connect() as (client, _):
            client.handle("ClearCache", lambda ctx: {"status": "Accepted"})
            assert server.run_async(call_twice) == "both"


class TestHandlers:
    def test_a_plain_function_may_block_and_call_its_station_back(self, connect, server):
        @server.handle("Heartbeat")
        def heartbeat(ctx):
            assert isinstance(ctx, BlockingHandlerContext)
            assert ctx.client == server.get_client("CP1")
            return {"currentTime": ctx.client.call("ClearCache", {})["status"]}

        with connect() as (client, _):
            client.handle("ClearCache", lambda ctx: {"status": an(BlockingClient, ctx.client).identity})
            assert client.call("Heartbeat", {}) == {"currentTime": "CP1"}

    def test_a_check_needs_none_of_the_threads_that_all_wait_for_checks(self, loop):
        with BlockingServer(protocols=["ocpp1.6"], loop=loop, max_threads=1) as server:
            call = {"check": lambda payload: None, "max_wait": SECONDS}
            server.handle("Heartbeat", lambda ctx: {"currentTime": ctx.client.call("ClearCache", **call)["status"]})
            url = f"ws://127.0.0.1:{server.listen(0, '127.0.0.1').port}/ocpp"
            with BlockingClient("CP1", url, protocols=["ocpp1.6"], loop=loop) as client:
                client.handle("ClearCache", lambda ctx: {"status": "Accepted"})
                client.connect()
                assert client.call("Heartbeat") == {"currentTime": "Accepted"}

    def test_stations_take_turns_when_they_wait_for_a_thread(self, connect, server):
        order = []
        release = threading.Event()
        last, wait_for_last = event()

        def wait(ctx):
            order.append(ctx.client.identity)
            release.wait(SECONDS)
            if len(order) == 4:
                last()

        turns = server._bridge.workers._turns = FairTurns(1)
        server.handle("StatusNotification", wait)
        with connect("flood") as (flood, _), connect("other") as (other, _):
            for number, client in enumerate([flood, flood, flood, other]):
                client.send_raw(f'[2,"{number}","StatusNotification",{{}}]')
                while sum(map(len, turns._waiting.values())) < number:
                    time.sleep(0.001)
            release.set()
            wait_for_last()
        assert order == ["flood", "flood", "other", "flood"]

    def test_a_coroutine_function_gets_the_asynchronous_context(self, connect, server):
        @server.handle("Heartbeat")
        async def heartbeat(ctx):
            assert isinstance(ctx, HandlerContext)
            with pytest.raises(RuntimeError, match=r"cannot wait: this code runs in an event loop, .* see `wrapped`"):
                server.call("CP1", "ClearCache", {})
            with pytest.raises(RuntimeError, match="this code runs in an event loop"):
                BlockingClient("CP2", "ws://127.0.0.1:1/ocpp").connect()
            return await ctx.client.call("ClearCache", {})

        with connect() as (client, _):
            client.handle("ClearCache", lambda ctx: {"status": "Accepted"})
            assert client.call("Heartbeat", {}) == {"status": "Accepted"}

    @pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
    def test_one_that_raises_fails_its_request_only(self, connect, server, error):
        def fail(ctx):
            raise error

        server.handle("Heartbeat", fail)
        server.handle("StatusNotification", lambda ctx: {})
        with connect() as (client, station):
            with station.events("handler_error", max_wait=SECONDS) as errors:
                with pytest.raises(RPCInternalError):
                    client.call("Heartbeat")
                assert isinstance(next(errors), HandlerErrorEvent)
            assert client.call("StatusNotification") == {}

    def test_one_that_never_returns_is_abandoned_and_keeps_its_thread_until_it_does(self, loop):
        release = threading.Event()
        entered = []

        def wait(ctx):
            entered.append(ctx)
            release.wait(SECONDS)

        with BlockingServer(protocols=["ocpp1.6"], loop=loop, max_threads=1, handler_timeout=0.05) as server:
            server.handle("Heartbeat", wait)
            url = f"ws://127.0.0.1:{server.listen(0, '127.0.0.1').port}/ocpp"
            with BlockingClient("CP1", url, protocols=["ocpp1.6"], loop=loop) as client:
                client.connect()
                for _ in range(2):  # the second one waits for a thread
                    with pytest.raises(RPCInternalError):
                        client.call("Heartbeat")
                assert len(entered) == 1
                assert entered[0].is_answered
                release.set()
                server.reconfigure(handler_timeout=SECONDS)
                assert client.call("Heartbeat") == {}
        assert len(entered) == 2

    def test_an_answer_may_come_later_from_any_thread(self, connect, server):
        server.handle("Heartbeat", lambda ctx: threading.Timer(0, ctx.reply, [{"currentTime": "t"}]).start() or NOREPLY)
        server.handle("StatusNotification", lambda ctx: ctx.fail("GenericError", "no"))
        with connect() as (client, _):
            assert client.call("Heartbeat") == {"currentTime": "t"}
            with pytest.raises(OCPPError, match="no"):
                client.call("StatusNotification")

    def test_one_may_wait_until_its_station_is_gone(self, connect, server):
        waits, until_it_waits = event()
        seen, wait = event()

        def heartbeat(ctx):
            assert not ctx.disconnected.wait(0)
            waits()
            if ctx.disconnected.wait(SECONDS) and ctx.disconnected and ctx.is_gone:
                seen()

        server.handle("Heartbeat", heartbeat)
        with connect() as (client, _), ThreadPoolExecutor(1) as threads:
            call = threads.submit(client.call, "Heartbeat")
            until_it_waits()
            client.close(force=True)
            assert isinstance(call.exception(SECONDS), OCPPError)
        wait()

    def test_they_are_checked_and_removed_like_those_of_the_asynchronous_classes(self, server):
        def handler(ctx): ...

        assert server.handle("Heartbeat", handler) is handler
        assert server.has_handler("Heartbeat")
        with pytest.raises(ValueError, match="there is one already"):
            server.handle("Heartbeat", handler)
        with pytest.raises(ValueError, match="Hartbeat"):
            server.handle("Hartbeat")
        with pytest.raises(TypeError, match="takes 1 argument"):
            server.handle("Reset", threading.active_count)
        server.remove_handler("Heartbeat")
        assert not server.has_handler("Heartbeat")

    def test_middleware_wraps_handlers_in_threads(self, connect, server):
        async def double(ctx, inner):
            return {"currentTime": 2 * (await inner())["currentTime"]}

        server.use(double)
        server.handle("Heartbeat", lambda ctx: {"currentTime": "ab"})
        with connect() as (client, _):
            assert client.call("Heartbeat") == {"currentTime": "abab"}


class TestClosing:
    def test_a_call_without_an_event_loop_raises_the_error_of_the_asynchronous_class(self, loop):
        client = BlockingClient("CP1", "ws://127.0.0.1:1/ocpp", loop=loop)
        assert client.state is ConnectionState.CLOSED
        with pytest.raises(ConnectionLostError, match=r"call connect\(\) first"):
            client.call("Heartbeat")
        assert client.close() == CloseEvent(1000, "")
        with pytest.raises(ClosedError, match=r"call connect\(\) first"):
            client.call("Heartbeat")
        with BlockingServer(loop=loop) as server:
            server.close()
            with pytest.raises(RuntimeError, match=r"cannot wait: .* enter its block, or call listen\(\)"):
                server.wait_for_client("CP1")

    def test_one_that_opens_while_another_thread_closes_it_uses_the_event_loop_afresh(self, server, monkeypatch):
        leave = server.wrapped.__aexit__
        left, opens = threading.Event(), threading.Event()

        async def leave_slowly(*args):
            await leave(*args)
            left.set()
            await anyio.to_thread.run_sync(opens.wait, 0.05)  # nothing may begin in this event loop any more

        server.listen(0, "127.0.0.1")
        with monkeypatch.context() as patch, ThreadPoolExecutor(1) as threads:
            patch.setattr(server.wrapped, "__aexit__", leave_slowly)
            closing = threads.submit(server.close)
            assert left.wait(SECONDS)
            listener = server.listen(0, "127.0.0.1")
            opens.set()
            assert closing.result(SECONDS) == CloseEvent(1001, "")
        assert not listener.closed
        assert server.close() == CloseEvent(1001, "")
        assert listener.closed

    @pytest.mark.anyio
    async def test_one_that_is_not_open_takes_no_event_loop_of_the_application_for_its_own(self, loop):
        server = BlockingServer(protocols=["ocpp1.6"], loop=loop)
        for wait in (lambda: server.wait_for_client("CP1"), lambda: next(server.events("client"))):
            with pytest.raises(RuntimeError, match=r"cannot wait: the OCPPServer is not open; .* call listen\(\)"):
                wait()
        with server:
            assert server.listen(0, "127.0.0.1").port

    def test_code_in_another_event_loop_touches_nothing(self, server, loop):
        async def read():
            return server.clients

        other: Loop = "trio" if loop == "asyncio" else "asyncio"
        with (
            BlockingServer(loop=other) as second,
            pytest.raises(RuntimeError, match=r"this code runs in an event loop, .* in its own event loop"),
        ):
            second.run_async(read)

    def test_while_twenty_threads_call_each_call_ends_in_an_error_of_the_library(self, connect, server):
        server.handle("Heartbeat", lambda ctx: {"currentTime": "now"})
        begun = threading.Barrier(21)
        outcomes = []

        def call(client):
            begun.wait(SECONDS)
            try:
                while True:
                    client.call("Heartbeat")
            except OCPPError as error:
                outcomes.append(error)

        with connect() as (client, _):
            threads = [threading.Thread(target=call, args=[client]) for _ in range(20)]
            for thread in threads:
                thread.start()
            begun.wait(SECONDS)
            server.close(await_pending=False)
            client.close()
            for thread in threads:
                thread.join(SECONDS)
        assert len(outcomes) == 20

    def test_a_handler_may_close_its_server(self, connect, server):
        done, wait = event()
        server.handle("Heartbeat", lambda ctx: server.close() and done())
        with connect(reconnect=False) as (client, _):
            client.safe_call("Heartbeat")
            wait()
        assert server.wrapped.clients == ()

    def test_it_may_open_again(self, server):
        port = server.listen(0, "127.0.0.1").port
        assert server.close() == CloseEvent(1001, "")
        listener = server.listen(port, "127.0.0.1")
        listener.close()
        assert listener.closed

    def test_the_threads_end_with_the_last_user(self, loop):
        def threads():
            return [thread for thread in threading.enumerate() if thread.name == f"ocpp-{loop}"]

        assert threads() == []
        with BlockingServer(loop=loop), BlockingClient("CP1", "ws://127.0.0.1:1/ocpp", loop=loop):
            assert len(threads()) == 1
        assert threads() == []

    def test_a_program_serves_until_another_thread_closes_it(self, server):
        with ThreadPoolExecutor(1) as threads:
            listening, wait = event()
            server.on("closing", lambda event: listening())
            serving = threads.submit(server.serve_forever, 0, "127.0.0.1")
            while not server.wrapped._open_listeners():
                time.sleep(0.001)
            server.close()
            assert serving.result(SECONDS) is None
            wait()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"loop": "gevent"}, "expected loop as one of asyncio, uvloop, trio, got 'gevent'"),
        ({"max_threads": 0}, "expected max_threads >= 1 as an integer, got 0"),
        ({"protocols": []}, "protocols"),
    ],
)
def test_bad_options_raise_before_a_thread_starts(options, error):
    with pytest.raises(ValueError, match=error):
        BlockingServer(**options)
