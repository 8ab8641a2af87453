"""Whatever the application's own code raises: it is contained, and a connection ends as any other does."""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest
import uvloop

from ocpp_transports import ConnectionState, OCPPServer, RPCInternalError, UnexpectedHttpResponse
from ocpp_transports._logging._log import LOGGER, Log
from ocpp_transports._runtime import _tasks as _supervisor
from ocpp_transports._runtime._current import current_runtime
from ocpp_transports.channel import ChannelClient, Reject, UpgradeOffer
from ocpp_transports.events import ErrorEvent, HandlerErrorEvent
from tests.kinds import an
from tests.transports.pairs import SECONDS, client_of, first, pair, serving, station_of

BASIC = {"security_profile": 1}


class Odd(BaseException):
    """What is no Exception."""


ODD = [asyncio.CancelledError, Odd]
SPELLINGS = ["plain", "async"]


def raising(error, spelling):
    """Make a function that raises this, whatever it is given."""

    def plain(*_):
        raise error("of the application")

    async def later(*_):
        raise error("of the application")

    return plain if spelling == "plain" else later


@pytest.mark.anyio
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("error", [*ODD, LookupError])
class TestWhateverRaises:
    async def test_a_listener_disturbs_neither_its_station_nor_the_end(self, error, spelling):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            server.handle("Heartbeat", lambda context: {})
            server.on("client", raising(error, spelling))
            server.on("client", lambda station: station.on("close", raising(error, spelling)))
            with anyio.fail_after(SECONDS):
                async with server.events("error") as errors:
                    await client.connect()
                    assert isinstance((await first(errors)).error, error)
                assert await client.call("Heartbeat") == {}
                await server.close(force=True)
            assert server.clients == ()

    async def test_every_listener_of_a_client_s_life_does_not_keep_it_from_ending(self, error, spelling):
        async with serving() as (_, listener), client_of(listener) as client:
            for name in ("connecting", "open", "disconnect", "close", "error"):
                client.on(name, raising(error, spelling))
            with anyio.fail_after(SECONDS):
                await client.connect()
                assert (await client.close()).code == 1000
            assert client.state is ConnectionState.CLOSED

    async def test_auth_is_answered_by_500_at_once(self, error, spelling):
        async with serving(auth=raising(error, spelling)) as (server, listener), client_of(listener) as client:
            errors = []
            server.on("error", lambda event: errors.append(type(event.error)))
            with anyio.fail_after(SECONDS), pytest.raises(UnexpectedHttpResponse, match="got 500"):
                await client.connect()
            assert errors == [error]

    async def test_credentials_are_answered_by_500_at_once(self, error, spelling):
        async with (
            serving(credentials=raising(error, spelling), **BASIC) as (_, listener),
            client_of(listener, password="secret", **BASIC) as client,
        ):
            with anyio.fail_after(SECONDS), pytest.raises(UnexpectedHttpResponse, match="got 500"):
                await client.connect()

    async def test_identify_is_answered_by_500_at_once(self, error, spelling):
        rules = {"security_profile": 3, "tls_terminated": True, "identify": raising(error, spelling)}
        async with OCPPServer(protocols=["ocpp1.6"], **rules) as server:
            offer = UpgradeOffer(target="/CP1", subprotocols=["ocpp1.6"], tls=True, client_certificate={"subject": ()})
            with anyio.fail_after(SECONDS):
                decision = await server.incoming(offer).decision()
            assert an(Reject, decision).status == 500

    async def test_a_handler_is_answered_by_internal_error_and_reported(self, error, spelling):
        async with pair() as (client, station):
            station.handle("BootNotification", raising(error, spelling))
            station.handle("Heartbeat", lambda context: {})
            with anyio.fail_after(SECONDS):
                async with station.events("handler_error") as errors:
                    with pytest.raises(RPCInternalError):
                        await client.call("BootNotification")
                    assert isinstance((await first(errors)).error, error)
                assert await client.call("Heartbeat") == {}


@pytest.mark.anyio
@pytest.mark.parametrize("error", ODD)
class TestAChannelOfTheApplication:
    async def test_that_does_not_open_is_a_failed_attempt(self, error):
        class Client(ChannelClient):
            async def open_channel(self, subprotocols):
                raise error("of the application")

        async with Client("CP1", "ws://csms.example", protocols=["ocpp1.6"]) as client:
            with anyio.fail_after(SECONDS), pytest.raises(ConnectionError):
                await client.connect()

    @pytest.mark.parametrize("broken", ["receive", "send"])
    async def test_that_breaks_is_a_lost_connection(self, error, broken):
        class Channel:
            async def receive(self):
                if broken == "receive":
                    raise error("of the application")
                await anyio.sleep_forever()

            async def send(self, text, /):
                raise error("of the application")

            async def close(self, code, reason):
                pass

            def abort(self):
                pass

        class Client(ChannelClient):
            async def open_channel(self, subprotocols):
                return Channel(), subprotocols[0]

        async with Client("CP1", "ws://csms.example", protocols=["ocpp1.6"], reconnect=False) as client:
            with anyio.fail_after(SECONDS):
                async with client.events("disconnect") as events:
                    await client.connect()
                    if broken == "send":
                        client.send_raw("[2]")
                    assert (await first(events)).code == 1006


@pytest.mark.anyio
@pytest.mark.parametrize("made", [Odd, float("nan"), float("inf"), -1.0, "soon"])
async def test_a_reconnect_policy_that_fails_does_not_keep_the_client_away(made, caplog):
    class Policy:
        reset_after = 10.0

        def delay(self, attempt, random):
            if made is Odd:
                raise Odd("of the application")
            return made

    async with serving() as (server, listener), client_of(listener, backoff=Policy()) as client:
        with anyio.fail_after(SECONDS):
            async with client.events("open") as opens:
                await client.connect()
                await first(opens)
                await (await station_of(server)).close()
                await first(opens)
    assert "backoff failed" in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("options", [{}, {"check": lambda payload: None}])
@pytest.mark.parametrize("made", [Odd, "", "x" * 37, 5])
async def test_an_id_factory_that_fails_loses_no_call(made, options, caplog):
    """The second call is written by the engine, when the first one is answered: no caller could be told."""

    def make():
        if made is Odd:
            raise Odd("of the application")
        return made

    async with pair(id_factory=make) as (client, station):
        station.handle("Heartbeat", lambda context: {})
        answers = []

        async def call():
            answers.append(await client.call("Heartbeat", **options))

        with anyio.fail_after(SECONDS):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(call)
        assert answers == [{}] * 3
    assert "id_factory failed" in caplog.text


class Broken(logging.Handler):
    """A log handler that raises."""

    def emit(self, record):
        raise Odd("of the application")


@pytest.mark.anyio
async def test_a_log_handler_that_raises_disturbs_nobody(capsys):
    logger = logging.Logger("application", logging.DEBUG)  # noqa: LOG001 - outside the tree, to be thrown away
    logger.addHandler(Broken())
    async with pair(server={"logging": logger}, logging=logger) as (client, station):
        station.handle("Heartbeat", lambda context: {})
        with anyio.fail_after(SECONDS):
            assert await client.call("Heartbeat") == {}
            assert (await client.close()).code == 1000
    assert "Odd: of the application" in capsys.readouterr().err


@pytest.mark.anyio
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_generator_exit_that_the_application_raises_is_an_error_like_any_other(spelling):
    """On trio it would end the event loop; it is the end of a coroutine only where no event loop runs."""
    raises = raising(GeneratorExit, spelling)
    async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
        server.handle("Heartbeat", raises)
        server.on("client", raises)
        server.auth(raises)
        with anyio.fail_after(SECONDS), pytest.raises(UnexpectedHttpResponse, match="got 500"):
            await client.connect()
        server.reconfigure(auth=None)
        with anyio.fail_after(SECONDS):
            await client.connect()
            with pytest.raises(RPCInternalError):
                await client.call("Heartbeat")


@pytest.mark.anyio
async def test_a_listener_that_is_really_cancelled_is_no_error():
    """The server ends it; that is not the listener's doing."""
    async with serving() as (server, listener), client_of(listener) as client:
        seen: list[Any] = []
        server.on("error", seen.append)

        @server.on("client")
        async def stay(_):
            await anyio.sleep_forever()

        await client.connect()
        await station_of(server)
        await client.close()
    assert seen == []


@pytest.mark.anyio
@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_listener_that_swallows_its_cancellation_does_not_keep_the_server_from_ending(
    cancelled, monkeypatch, caplog
):
    monkeypatch.setattr(_supervisor, "STUBBORN", 0.05)
    released, began = anyio.Event(), anyio.Event()
    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(SECONDS):
            async with serving() as (server, listener), client_of(listener) as client:

                @server.on("client")
                async def stay(_):
                    began.set()
                    while not released.is_set():
                        with suppress(anyio.get_cancelled_exc_class()), anyio.CancelScope(shield=True):
                            await released.wait()

                await client.connect()
                await began.wait()
                if cancelled:
                    tasks.start_soon(server.close)
                    await anyio.wait_all_tasks_blocked()
                    tasks.cancel_scope.cancel()
    released.set()
    assert "1 tasks did not end" in caplog.text


def grouped(text):
    """Make what leaves a task group of which one task ends the program."""
    return BaseExceptionGroup("of tasks", [ValueError(text), SystemExit(text)])


ENDINGS = [(KeyboardInterrupt, KeyboardInterrupt), (SystemExit, SystemExit), (grouped, SystemExit)]
RUNS = {
    "asyncio": asyncio.run,
    "uvloop": uvloop.run,
    "trio": lambda main: anyio.run(lambda: main, backend="trio"),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("error", "ending"), ENDINGS)
@pytest.mark.parametrize("place", ["client", "closing", "auth", "handler"])
def test_what_ends_the_program_ends_it_in_good_order(run, spelling, error, ending, place):
    """The station is told before the event loop ends, and the error leaves the program as it is."""
    told: list[Any] = []
    does = raising(error, spelling)

    async def main():
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            if place == "auth":
                server.auth(does)
            elif place == "handler":
                server.handle("Heartbeat", does)
            else:
                server.on(place, does)
            server.on("error", told.append)
            server.on("client", lambda station: station.on("handler_error", told.append))
            listener = await server.listen(0, "127.0.0.1")
            async with client_of(listener, reconnect=False) as client:
                client.on("close", lambda event: told.append("close"))
                await client.connect()
                if place == "closing":
                    await server.close()
                if place == "handler":
                    with suppress(RPCInternalError):  # it may be here in time
                        await client.call("Heartbeat")
                await anyio.sleep(SECONDS)

    with pytest.raises(ending, match="of the application"):
        run(main())
    assert any(isinstance(each, (ErrorEvent, HandlerErrorEvent)) for each in told)
    assert "close" in told or place == "auth"


def test_what_ends_the_program_twice_on_trio_ends_it_with_the_first_error():
    """The second error does not interrupt the end of the block."""

    async def main():
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            server.on("client", lambda station: station.on("open", raising(partial(SystemExit, 1), "plain")))
            server.on("client", lambda station: station.on("close", raising(partial(SystemExit, 2), "async")))
            listener = await server.listen(0, "127.0.0.1")
            async with client_of(listener, reconnect=False) as client:
                await client.connect()
                await anyio.sleep(SECONDS)

    with pytest.raises(SystemExit) as caught:
        RUNS["trio"](main())
    assert caught.value.args[0] == 1


def test_what_ends_the_program_in_a_timer_on_trio_stops_no_other_timer():
    """A filter or handler of logging may raise there; the connections need timers to end."""

    async def main():
        runtime: Any = current_runtime("Test", in_block=True, log=Log(LOGGER, "Test"))
        try:
            runtime.start_timer(runtime.now(), raising(SystemExit, "plain"))
            await anyio.sleep(SECONDS)
        finally:
            with anyio.fail_after(SECONDS):
                await runtime._pause(0)
            await runtime.aclose()

    with pytest.raises(SystemExit):
        RUNS["trio"](main())
