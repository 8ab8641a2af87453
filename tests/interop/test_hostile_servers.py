"""OCPPClient and servers that are broken or mean, over real sockets: the right error, and nothing hangs or stays."""

from contextlib import suppress
from typing import Any

import anyio
import pytest

from ocpp_core.link import _client
from ocpp_transports import (
    ConnectionFailedError,
    ConnectionLostError,
    ConnectionState,
    OCPPClient,
    UnexpectedHttpResponse,
    WebsocketUpgradeError,
)
from ocpp_transports.events import CloseEvent
from tests.interop.raw import playing
from tests.link.wire import CLOSE, CONTINUATION, PING, PONG, TEXT, answer, frame
from tests.transports.pairs import SECONDS, first

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_left")]

OURS = ("Sec-WebSocket-Protocol", "ocpp1.6")


def client_of(port, **options):
    """Make a client that comes back at once; its jitter is too small to be waited for."""
    settings = {"protocols": ["ocpp1.6", "ocpp2.0.1"], "backoff_min": 0.001, "backoff_max": 0.002, "close_timeout": 0.1}
    return OCPPClient("CP1", f"ws://127.0.0.1:{port}/ocpp", **{**settings, "connect_timeout": SECONDS, **options})


def saying(*parts):
    """Make a script that answers a request by these bytes, and then waits for the client to end the connection."""

    async def script(raw):
        await raw.head()
        await raw.send(*parts)
        await raw.drained()

    return script


def upgrading(*headers, without=()):
    """Make a script that answers by a 101 with these headers, and then waits for the client to end the connection."""

    async def script(raw):
        await raw.send(answer(await raw.head(), *headers, without=without))
        await raw.drained()

    return script


def dropping(data):
    """Make a script that opens the WebSocket, ends it by these frames, and ends the connection as a server does."""

    async def script(raw):
        await raw.send(answer(await raw.head(), OURS) + data)
        await raw.closed()

    return script


async def closing_at_once(raw):
    """End the connection before the request."""


async def resetting(raw):
    await raw.head()
    await raw.reset()


async def cutting_the_answer(raw):
    await raw.head()
    await raw.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgr")


BANNER = b"SSH-2.0-OpenSSH_9.9\r\n"
NO_HTTP = {
    "garbage": saying(b"\x00\xff garbage"),
    "another protocol": saying(BANNER),
    "TLS": saying(b"\x15\x03\x01\x00\x02\x02\x46"),
    "HTTP/2": saying(b"HTTP/2 101\r\n\r\n"),
    "a status that is none": saying(b"HTTP/1.1 abc\r\n\r\n"),
    "a header that is none": saying(b"HTTP/1.1 101 Switching\r\nUpgrade\r\n\r\n"),
    "headers without end": saying(b"HTTP/1.1 101 Switching\r\n" + b"A: b\r\n" * 100_000),
    "a line without end": saying(b"HTTP/1.1 101 " + b"x" * 1_000_000),
    "announcements without end": saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000),
    "nothing but an end": closing_at_once,
    "nothing but a reset": resetting,
    "half an answer": cutting_the_answer,
}
WRONG_101 = {
    "without the key's answer": upgrading(OURS, without=["Sec-WebSocket-Accept"]),
    "with another key's answer": upgrading(
        OURS, ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), without=["Sec-WebSocket-Accept"]
    ),
    "without Upgrade": upgrading(OURS, without=["Upgrade"]),
    "to another protocol": upgrading(OURS, ("Upgrade", "h2c"), without=["Upgrade"]),
    "without Connection": upgrading(OURS, without=["Connection"]),
    "without a subprotocol": upgrading(),
    "with a foreign subprotocol": upgrading(("Sec-WebSocket-Protocol", "ocpp2.1")),
    "with a subprotocol in another case": upgrading(("Sec-WebSocket-Protocol", "OCPP1.6")),
    "with two subprotocols": upgrading(("Sec-WebSocket-Protocol", "ocpp1.6, ocpp2.0.1")),
    "with an extension nobody asked for": upgrading(OURS, ("Sec-WebSocket-Extensions", "permessage-deflate")),
}
STATUSES = {
    301: b"HTTP/1.1 301 Moved Permanently\r\nLocation: ws://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n",
    302: b"HTTP/1.1 302 Found\r\nLocation: /ocpp/CP1\r\nContent-Length: 0\r\n\r\n",
    200: b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n<html>" + b"x" * 100_000,
    401: b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n',
    404: b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    410: b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    429: b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n",
    503: b"HTTP/1.0 503 Service Unavailable\n\n",
    999: b"HTTP/1.1 999 \r\n\r\n",
}

GOOD = dropping(frame(CLOSE, b"\x03\xe8", masked=False))


class TestConnecting:
    @pytest.mark.parametrize("script", NO_HTTP.values(), ids=NO_HTTP)
    async def test_to_what_is_no_web_server_fails(self, script):
        await self.fails(script, ConnectionFailedError)

    @pytest.mark.parametrize("script", WRONG_101.values(), ids=WRONG_101)
    async def test_by_a_wrong_101_fails(self, script):
        await self.fails(script, WebsocketUpgradeError)

    @pytest.mark.parametrize(("status", "data"), STATUSES.items(), ids=map(str, STATUSES))
    async def test_by_another_status_fails_and_shows_it(self, status, data, monkeypatch):
        monkeypatch.setattr(_client, "_BODY_TIMEOUT", 0.1)
        error = await self.fails(saying(data), UnexpectedHttpResponse)
        assert error.status == status
        assert len(dict(error.headers)) == data.split(b"\r\n\r\n")[0].count(b"\r\n")

    async def fails(self, script, kind):
        """Fail twice in the same way: a failure leaves a client that may connect again."""
        async with playing(script) as port, client_of(port) as client:
            failures: list[Any] = []
            for _ in range(2):
                with anyio.fail_after(SECONDS), pytest.raises(kind) as caught:
                    await client.connect()
                assert client.state is ConnectionState.CLOSED
                failures.append(caught.value)
        assert [type(failure) for failure in failures] == [kind] * 2
        return failures[-1]

    async def test_to_a_server_that_says_nothing_ends_in_time(self):
        async with playing(saying()) as port, client_of(port, connect_timeout=0.05) as client:
            with anyio.fail_after(SECONDS), pytest.raises(ConnectionFailedError):
                await client.connect()

    async def test_may_be_closed_meanwhile_and_leaves_nothing(self):
        asked = anyio.Event()

        async def silent(raw):
            await raw.head()
            asked.set()
            await raw.drained()

        async def connect(client):
            with pytest.raises(Exception, match="closed before"):
                await client.connect()

        async with playing(silent) as port, client_of(port) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(connect, client)
            with anyio.fail_after(SECONDS):
                await asked.wait()
                await client.close()
            assert client.state is ConnectionState.CLOSED


class TestAFailedAttempt:
    async def test_leaves_no_tcp_connection_open(self):
        """The server leaves that to the client, as some do."""
        left = [anyio.Event() for _ in range(5)]
        coming = iter(left)

        async def refusing(raw):
            await raw.head()
            await raw.send(STATUSES[401])
            await raw.drained()
            next(coming).set()

        async with playing(refusing) as port, client_of(port) as client:
            for ended in left:
                with pytest.raises(UnexpectedHttpResponse):
                    await client.connect()
                with anyio.fail_after(SECONDS):
                    await ended.wait()

    @pytest.mark.parametrize("status", [401, 410])
    async def test_by_a_refusal_is_followed_by_others(self, status):
        async with (
            playing(in_turn(GOOD, *[saying(STATUSES[status])] * 3, upgrading(OURS))) as port,
            client_of(port) as client,
            client.events("open", "error", "disconnect", "reconnect") as events,
        ):
            await client.connect()
            told = [type(await first(events)).__name__ for _ in range(10)]
        tried = ["ErrorEvent", "ReconnectEvent"]
        assert told == ["OpenEvent", "DisconnectEvent", "ReconnectEvent", *tried * 3, "OpenEvent"]

    async def test_waits_as_long_as_the_server_asks(self):
        async with (
            playing(in_turn(GOOD, saying(STATUSES[429]))) as port,
            client_of(port) as client,
            client.events("reconnect") as waits,
        ):
            await client.connect()
            assert (await first(waits)).delay < 1
            assert 3600 <= (await first(waits)).delay <= 4500

    @pytest.mark.parametrize("script", [upgrading(), upgrading(OURS, without=["Sec-WebSocket-Accept"])])
    async def test_by_a_wrong_101_is_followed_by_others(self, script):
        async with (
            playing(in_turn(GOOD, *[script] * 3, upgrading(OURS))) as port,
            client_of(port) as client,
            client.events("open") as opens,
        ):
            await client.connect()
            await first(opens)
            await first(opens)
            assert client.state is ConnectionState.OPEN

    @pytest.mark.parametrize("script", [upgrading(), upgrading(OURS, without=["Sec-WebSocket-Accept"])])
    async def test_by_a_wrong_101_is_the_last_one_if_it_was_the_first(self, script):
        async with playing(script) as port, client_of(port, retry_initial_connect=True) as client:
            with pytest.raises(WebsocketUpgradeError):
                await client.connect()
            assert client.state is ConnectionState.CLOSED


def in_turn(*scripts):
    """Play one script after the other, the last one for whoever comes later."""
    left = list(scripts)

    async def script(raw):
        await (left.pop(0) if len(left) > 1 else left[0])(raw)

    return script


class TestAServerThatAcceptsAndDrops:
    @pytest.mark.parametrize(
        "script",
        [
            dropping(frame(CLOSE, b"\x03\xe8bye", masked=False)),
            dropping(frame(CLOSE, masked=False)),
            dropping(frame(3, masked=False)),
        ],
        ids=["politely", "without a code", "by a broken frame"],
    )
    async def test_is_not_hammered_and_given_up_in_the_end(self, script):
        """An open that does not last is no success: the attempts of the outage go on counting."""
        async with (
            playing(script) as port,
            client_of(port, max_reconnects=4) as client,
            client.events("reconnect", "close") as events,
        ):
            await client.connect()
            told = [event async for event in events]
        assert [event.attempt for event in told[:-1]] == [1, 2, 3, 4]
        assert isinstance(told[-1], CloseEvent)

    async def test_by_a_reset_is_no_exception_to_that(self):
        async def script(raw):
            await raw.send(answer(await raw.head(), OURS))
            await raw.reset()

        async with (
            playing(script) as port,
            client_of(port, max_reconnects=2, retry_initial_connect=True) as client,
            client.events("reconnect", "close") as events,
        ):
            with suppress(ConnectionFailedError):  # where the reset overtakes the 101
                await client.connect()
            told = [event async for event in events]
        assert [event.attempt for event in told[:-1]] == [1, 2]
        assert isinstance(told[-1], CloseEvent)


BROKEN = {
    "a masked frame": (frame(TEXT, b"hello"), 1002),
    "a reserved opcode": (frame(3, masked=False), 1002),
    "a reserved bit": (frame(TEXT, b"x", rsv=1, masked=False), 1002),
    "bad UTF-8": (frame(TEXT, b"\xff", masked=False), 1007),
    "a message too big": (frame(TEXT, length=1 << 40, masked=False), 1009),
    "fragments without end": (
        frame(TEXT, fin=False, masked=False) + frame(CONTINUATION, fin=False, masked=False) * 2000,
        1009,
    ),
}


class TestAnOpenConnection:
    @pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
    async def test_with_a_broken_frame_is_closed_by_its_code_and_made_anew(self, data, code):
        closed = []

        async def script(raw):
            await raw.send(answer(await raw.head(), OURS) + data)
            closed.append((await raw.closed())[0])
            await raw.half_close()
            await raw.drained()

        async with (
            playing(in_turn(script, upgrading(OURS))) as port,
            client_of(port) as client,
            client.events("disconnect", "open") as events,
        ):
            await client.connect()
            _, lost, _ = [await first(events) for _ in range(3)]
            assert lost.code == code
            assert client.state is ConnectionState.OPEN
        assert closed == [code]

    async def test_with_a_server_that_falls_silent_is_dropped_and_made_anew(self):
        async with playing(upgrading(OURS)) as port:
            options = {"ping_interval": 0.02, "pong_timeout": 0.05}
            async with client_of(port, **options) as client, client.events("pong_timeout", "open") as events:
                await client.connect()
                told = [type(await first(events)).__name__ for _ in range(3)]
        assert told == ["OpenEvent", "PongTimeoutEvent", "OpenEvent"]

    async def test_with_a_server_that_does_not_answer_our_close_ends_in_time(self):
        async with playing(upgrading(OURS)) as port, client_of(port, close_timeout=0.05) as client:
            await client.connect()
            with anyio.fail_after(SECONDS):
                assert (await client.close(1000, "enough")).code == 1006

    async def test_with_a_server_that_floods_pings_answers_them_and_serves(self):
        async def script(raw):
            await raw.send(answer(await raw.head(), OURS) + frame(PING, b"!", masked=False) * 1000)
            for _ in range(1000):
                assert await raw.frame() == (PONG, b"!")
            await raw.send(frame(TEXT, b'[2,"1","Reset",{}]', masked=False))
            answers.append(await raw.message())
            await raw.send(frame(CLOSE, masked=False))
            await raw.closed()

        answers: list[Any] = []
        async with playing(script) as port, client_of(port, reconnect=False) as client:
            client.handle("Reset", lambda ctx: {"status": "Accepted"})
            async with client.events("close") as ends:
                await client.connect()
                await first(ends)
        assert answers == [[3, "1", {"status": "Accepted"}]]

    async def test_with_a_server_that_answers_what_was_not_asked_serves_on(self):
        async def script(raw):
            await raw.send(answer(await raw.head(), OURS))
            call = await raw.message()
            for text in (
                '[3,"other",{}]',
                "nonsense",
                f'[4,"{call[1]}x","GenericError","",{{}}]',
                f'[3,"{call[1]}",{{}}]',
            ):
                await raw.send(frame(TEXT, text.encode(), masked=False))
            await raw.drained()

        async with playing(script) as port, client_of(port) as client:
            await client.connect()
            assert await client.call("Heartbeat") == {}

    async def test_whose_answers_are_malformed_fails_its_calls_at_once(self):
        """With one CALL in flight at a time, waiting for the time-out would block all others."""

        async def script(raw):
            await raw.send(answer(await raw.head(), OURS))
            for text in ('[3,"ID"]', '[3,"ID",null]', '[3,"ID",[]]', '[4,"ID"]', '[3,"ID",{'):
                call = await raw.message()
                await raw.send(frame(TEXT, text.replace("ID", call[1]).encode(), masked=False))
            await raw.drained()

        async with playing(script) as port, client_of(port, call_timeout=600) as client:
            await client.connect()
            for _ in range(5):
                with anyio.fail_after(SECONDS), pytest.raises(Exception, match="expected") as caught:
                    await client.call("Heartbeat")
                assert not isinstance(caught.value, (TimeoutError, ConnectionLostError))
