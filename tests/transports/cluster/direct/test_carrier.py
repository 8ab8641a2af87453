"""Streams between nodes, over real sockets."""

import os
import signal
import socket
import ssl
import sys
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from ocpp_core.cluster.calls.frames import HelloFrame, write_frame
from ocpp_core.cluster.records import NodeId
from ocpp_transports import TLSOptions
from ocpp_transports._tls._contexts import client_context
from ocpp_transports.cluster._carrier import NotSentError, UnknownError
from tests.transports.cluster.certificates import certificates
from tests.transports.cluster.direct.nodes import ANY_PORT, A, B, ends, framed, mute_node, nodes
from tests.transports.pairs import SECONDS

pytestmark = pytest.mark.anyio
MUCH = 16 * 2**20
"""Bytes that do not fit into the buffers of sockets."""


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
