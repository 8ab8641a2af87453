"""Streams between nodes, over real sockets."""

import errno
import os
import signal
import socket
import ssl
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

from ocpp_core.cluster.calls.frames import ByeFrame, HelloFrame, read_frame, write_frame
from ocpp_core.cluster.records import NodeId
from ocpp_transports import TLSOptions
from ocpp_transports._logging._log import Log, logger_of
from ocpp_transports._tls._contexts import client_context
from ocpp_transports.cluster._carrier import NotSentError, UnknownError
from ocpp_transports.cluster._direct import _incoming
from ocpp_transports.cluster._direct._address import StreamAddress
from ocpp_transports.cluster._direct._carrier import DirectCarrier
from ocpp_transports.cluster._direct._settings import DirectSettings
from tests.transports.cluster.certificates import certificates
from tests.transports.pairs import SECONDS

pytestmark = pytest.mark.anyio
A, B = NodeId("a.0"), NodeId("b.0")
ANY_PORT = "tcp://127.0.0.1:0"
MUCH = 16 * 2**20
"""Bytes that do not fit into the buffers of sockets."""


class Node:
    """A carrier, and what it reported."""

    def __init__(self, node, **settings):
        self.frames, self.received = anyio.create_memory_object_stream[tuple[NodeId, bytes]](100)
        self.losses, self.lost = anyio.create_memory_object_stream[NodeId](100)
        self.carrier = DirectCarrier(
            node,
            DirectSettings(**settings),
            Log(logger_of(False), "cluster", is_station=False),
            lambda sender, frame: self.frames.send_nowait((sender, frame)),
            self.losses.send_nowait,
        )

    async def listen(self, address):
        return str(await self.carrier.listen(StreamAddress.read(address)))

    async def next_frame(self):
        with anyio.fail_after(SECONDS):
            return await self.received.receive()

    async def next_loss(self):
        with anyio.fail_after(SECONDS):
            return await self.lost.receive()


@asynccontextmanager
async def nodes(*names, **settings):
    made = [Node(name, **settings) for name in names]
    try:
        yield made
    finally:
        for node in made:
            await node.carrier.aclose()
            for stream in (node.frames, node.received, node.losses, node.lost):
                stream.close()


class TestFrames:
    @pytest.mark.parametrize("scheme", ["tcp", "tls", "unix"])
    async def test_reach_a_node_and_come_back_over_the_same_stream(self, scheme, tmp_path):
        address = f"unix://{tmp_path}/b" if scheme == "unix" else f"{scheme}://127.0.0.1:0"
        async with nodes(A, B, tls=certificates() if scheme == "tls" else None) as (a, b):
            address = await b.listen(address)
            await a.carrier.send(B, address, b"there" * 100_000)
            assert await b.next_frame() == (A, b"there" * 100_000)
            await b.carrier.send(A, None, b"back")
            assert await a.next_frame() == (B, b"back")

    async def test_sent_at_the_same_time_share_one_stream(self):
        async with nodes(A, B) as (a, b):
            address = await b.listen(ANY_PORT)
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(a.carrier.send, B, address, bytes([number]))
            assert {(await b.next_frame())[1] for _ in range(20)} == {bytes([number]) for number in range(20)}
            assert len(a.carrier._outgoing._streams) == len(b.carrier._incoming._streams) == 1

    async def test_are_not_sent_without_a_stream_or_a_reachable_address(self, tmp_path):
        async with nodes(A) as (a,):
            for address in (None, "tcp://127.0.0.1:1", f"unix://{tmp_path}/none", "tls://127.0.0.1:1", "what"):
                with pytest.raises(NotSentError):
                    await a.carrier.send(B, address, b"lost")

    async def test_are_not_sent_to_the_successor_of_a_node(self):
        async with nodes(A, NodeId("b.1")) as (a, b):
            with pytest.raises(NotSentError, match=r"expected node 'b\.0', got 'b\.1'"):
                await a.carrier.send(B, await b.listen(ANY_PORT), b"lost")

    async def test_are_not_sent_without_certificates_of_the_same_authority(self):
        async with nodes(A, tls=certificates()) as (a,), nodes(B, tls=certificates()) as (b,):
            with pytest.raises(NotSentError):
                await a.carrier.send(B, await b.listen("tls://127.0.0.1:0"), b"lost")

    async def test_of_a_peer_without_a_certificate_do_not_arrive(self):
        tls = certificates()
        async with nodes(B, tls=tls) as (b,):
            host, _, port = (await b.listen("tls://127.0.0.1:0")).removeprefix("tls://").partition(":")
            context = client_context(TLSOptions(ca=tls.ca))
            with suppress(anyio.BrokenResourceError, ssl.SSLError):
                async with await anyio.connect_tcp(host, int(port), ssl_context=context) as stream:
                    await stream.send(framed(write_frame(HelloFrame(A, (1,)))) + framed(b"lost"))
                    await ends(stream)
            assert b.received.statistics().current_buffer_used == 0
            assert b.carrier._incoming._streams == {}

    async def test_are_not_sent_if_they_are_too_large_and_the_stream_goes_on(self):
        async with nodes(A, B, max_frame=1024) as (a, b):
            address = await b.listen(ANY_PORT)
            with pytest.raises(NotSentError, match="at most 1024 bytes, got 1025"):
                await a.carrier.send(B, address, b"x" * 1025)
            await a.carrier.send(B, address, b"x" * 1024)
            assert await b.next_frame() == (A, b"x" * 1024)

    async def test_that_are_not_read_end_the_stream_unknown_if_begun_and_else_not_sent(self):
        async def second():
            with pytest.raises(NotSentError, match="the stream to the node has ended"):
                await a.carrier.send(B, address, b"waits")

        async with nodes(A, send_timeout=0.1, max_frame=MUCH) as (a,), mute_node(B) as address:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.fill, a, address)
                await waiting_for_writing(a)
                tasks.start_soon(second)
            assert await a.next_loss() == B

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [({"max_unsent_frames": 1}, "1 frames wait"), ({"max_unsent": MUCH}, f"frames of {MUCH} bytes")],
    )
    async def test_are_not_sent_while_too_many_are_not_read(self, limits, reason):
        async with (
            nodes(A, send_timeout=0.1, max_frame=MUCH, **limits) as (a,),
            mute_node(B) as address,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self.fill, a, address)
            await waiting_for_writing(a)
            with pytest.raises(NotSentError, match=reason):
                await a.carrier.send(B, address, b"too many")

    async def fill(self, a, address):
        with pytest.raises(UnknownError):
            await a.carrier.send(B, address, b"x" * MUCH)


async def waiting_for_writing(node):
    with anyio.fail_after(SECONDS):
        while not any(each._waiting for each in node.carrier._outgoing._streams.values()):  # noqa: ASYNC110
            await anyio.sleep(0.001)


class TestADial:
    async def test_is_shared_by_all_frames_that_wait_for_it(self):
        async def send():
            with pytest.raises(NotSentError, match="TimeoutError"):
                await a.carrier.send(B, address, b"lost")

        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(0)
            address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
            async with nodes(A, hello_timeout=0.05) as (a,), anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(send)
            silent.accept()[0].close()
            with pytest.raises(BlockingIOError):
                silent.accept()

    async def test_that_its_caller_no_longer_waits_for_goes_on_for_the_others(self):
        async with nodes(A, B) as (a, b):
            address = await b.listen(ANY_PORT)
            with anyio.CancelScope() as scope:
                scope.cancel()
                await a.carrier.send(B, address, b"1")
            await a.carrier.send(B, address, b"2")
            assert await b.next_frame() == (A, b"2")


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


class TestAProcessThatIs:
    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_stopped_answers_late_and_killed_is_lost_at_once(self):
        script = "tests.transports.cluster.direct.answering_node"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
        command = [sys.executable, "-m", script, B, ANY_PORT]
        async with await anyio.open_process(command, env=environment, stderr=None) as process, nodes(A) as (a,):
            assert process.stdout is not None
            address = (await process.stdout.receive()).decode().strip()
            await a.carrier.send(B, address, b"1")
            assert await a.next_frame() == (B, b"1")

            process.send_signal(signal.SIGSTOP)
            await a.carrier.send(B, address, b"2")
            await anyio.sleep(0.2)
            assert a.received.statistics().current_buffer_used == 0
            process.send_signal(signal.SIGCONT)
            assert await a.next_frame() == (B, b"2")

            process.kill()
            assert await a.next_loss() == B
            with pytest.raises(NotSentError):
                await a.carrier.send(B, address, b"3")

    async def test_silent_is_lost_after_a_time(self):
        async with nodes(A, keepalive=0.05, silence=0.1) as (a,), mute_node(B) as address:
            await a.carrier.send(B, address, b"1")
            assert await a.next_loss() == B

    async def test_quiet_is_not_lost_because_it_sends_empty_frames(self):
        async with nodes(A) as (a,), nodes(B, keepalive=0.01, silence=SECONDS) as (b,):
            address = await b.listen(ANY_PORT)
            await a.carrier.send(B, address, b"1")
            await b.next_frame()
            (stream,) = a.carrier._outgoing._streams.values()
            await anyio.sleep(0.05)
            assert stream.is_open
            assert a.received.statistics().current_buffer_used == 0


def framed(data):
    return len(data).to_bytes(4) + data


@asynccontextmanager
async def mute_node(node):
    """Listen as a node that greets, and then neither reads nor writes; yields its address.

    Its sockets are plain ones, because an event loop reads before it is asked to.
    """

    async def greet():
        await anyio.wait_readable(listener)
        accepted.append(listener.accept()[0])
        accepted[0].sendall(framed(write_frame(HelloFrame(node, (1,)))))

    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(greet)
            yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
            tasks.cancel_scope.cancel()
        for each in accepted:
            each.close()


@asynccontextmanager
async def greeted(node):
    """Open a stream to a node as A would, by hand."""
    host, _, port = (await node.listen(ANY_PORT)).removeprefix("tcp://").partition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        await stream.send(framed(write_frame(HelloFrame(A, (1,)))))
        received = BufferedByteReceiveStream(stream)
        await received.receive_exactly(int.from_bytes(await received.receive_exactly(4)))
        yield stream


async def ends(stream):
    """Read until the other side ends the stream; whatever it sends before, such as empty frames, does not matter."""
    with anyio.fail_after(SECONDS), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            await stream.receive()


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
