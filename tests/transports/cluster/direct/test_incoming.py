"""What other nodes and strangers can do to a node that listens."""

import errno
import socket
from contextlib import suppress

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from ocpp_core.cluster.calls.frames import ByeFrame, HelloFrame, read_frame, write_frame
from ocpp_transports.cluster._direct import _incoming
from tests.transports.cluster.direct.nodes import ANY_PORT, A, B, ends, framed, greeted, nodes
from tests.transports.pairs import SECONDS

pytestmark = pytest.mark.anyio


class TestAUnixSocket:
    async def test_of_a_dead_process_is_replaced_and_removed_at_the_end(self, tmp_path):
        path = tmp_path / "node"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        async with nodes(A, B) as (a, b):
            await a.carrier.send(B, await b.listen(f"unix://{path}"), b"1")
            assert path.stat().st_mode & 0o777 == 0o600
        assert not path.exists()

    async def test_of_a_living_process_stays(self, tmp_path):
        address = f"unix://{tmp_path}/node"
        async with nodes(A, B) as (a, b):
            await b.listen(address)
            with pytest.raises(OSError, match="another process listens"):
                await a.listen(address)
            await a.carrier.aclose()
            assert (tmp_path / "node").is_socket()

    async def test_replaces_no_other_file(self, tmp_path):
        path = tmp_path / "node"
        path.write_text("mine")
        async with nodes(A) as (a,):
            with pytest.raises(OSError, match="a file that is no socket"):
                await a.listen(f"unix://{path}")
        assert path.read_text() == "mine"


async def test_accepting_goes_on_after_a_failure(monkeypatch):
    async def fail(self, handler, task_group=None):
        monkeypatch.setattr(kind, "serve", serve)
        raise OSError(errno.EMFILE, "too many open files")

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        kind = type(listener.listeners[0])
    serve = kind.serve
    monkeypatch.setattr(kind, "serve", fail)
    monkeypatch.setattr(_incoming, "_PAUSE", 0)
    async with nodes(A, B) as (a, b):
        await a.carrier.send(B, await b.listen(ANY_PORT), b"1")
        assert await b.next_frame() == (A, b"1")
    assert kind.serve is serve


async def test_frames_may_arrive_in_any_pieces():
    async with nodes(B) as (b,), greeted(b) as stream:
        for byte in framed(b"one") + framed(b"") + framed(b"two"):
            await stream.send(bytes([byte]))
        await stream.send(framed(b"three") + framed(b"four"))
        assert [(await b.next_frame())[1] for _ in range(4)] == [b"one", b"two", b"three", b"four"]


class TestAStreamEnds:
    async def test_at_a_frame_that_is_too_large(self):
        async with nodes(B) as (b,), greeted(b) as stream:
            await stream.send(b"\xff\xff\xff\xff")
            await ends(stream)

    async def test_if_a_frame_does_not_arrive_in_time_byte_by_byte(self):
        async def trickle():
            with suppress(anyio.BrokenResourceError):
                while True:
                    await stream.send(b"\0")
                    await anyio.sleep(0.03)

        async with nodes(B, keepalive=0.05, silence=0.1) as (b,), greeted(b) as stream:
            await stream.send(b"\0\0\1\0")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(trickle)
                await ends(stream)
                tasks.cancel_scope.cancel()

    async def test_when_its_node_opens_another_one(self):
        async with nodes(B, A) as (b, a), greeted(b) as stream:
            await a.carrier.send(B, await b.listen(ANY_PORT), b"1")
            await ends(stream)
            assert await b.next_frame() == (A, b"1")


class TestAGreetingIsRefused:
    @pytest.mark.parametrize(
        "data",
        [
            b"GET / HTTP/1.1\r\n\r\n",
            b"\xff\xff\xff\xff",
            framed(b""),
            framed(b'[1,"c",7]'),
            framed(write_frame(HelloFrame(A, (2,)))),
        ],
    )
    async def test_with_a_reason_and_the_end_of_the_stream(self, data):
        async with nodes(B) as (b,):
            host, _, port = (await b.listen(ANY_PORT)).removeprefix("tcp://").partition(":")
            async with await anyio.connect_tcp(host, int(port)) as stream:
                await stream.send(data)
                with anyio.fail_after(SECONDS):
                    received = BufferedByteReceiveStream(stream)
                    reason = read_frame(
                        await received.receive_exactly(int.from_bytes(await received.receive_exactly(4)))
                    )
                    with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                        await received.receive()
            assert isinstance(reason, ByeFrame)

    async def test_if_later_ones_exceed_the_limit_so_that_silent_peers_keep_no_node_away(self):
        async with nodes(A, B, max_greetings=2) as (a, b):
            address = await b.listen(ANY_PORT)
            host, _, port = address.removeprefix("tcp://").partition(":")
            async with (
                await anyio.connect_tcp(host, int(port)) as first,
                await anyio.connect_tcp(host, int(port)),
                await anyio.connect_tcp(host, int(port)),
            ):
                await ends(first)
                await a.carrier.send(B, address, b"1")
                assert await b.next_frame() == (A, b"1")

    async def test_after_a_time_if_there_is_none_and_beyond_the_limit_of_streams(self):
        async with nodes(B, hello_timeout=0.05, max_streams=1) as (b,):
            host, _, port = (await b.listen(ANY_PORT)).removeprefix("tcp://").partition(":")
            for _ in range(3):
                async with await anyio.connect_tcp(host, int(port)) as stream:
                    with anyio.fail_after(SECONDS), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                        await stream.receive()
