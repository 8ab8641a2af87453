"""Where a server listens: shared ports, and sockets that another process opened; no connection is reset at the end."""

import os
import socket
import struct
from contextlib import closing, contextmanager, suppress
from unittest.mock import AsyncMock, Mock

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from ocpp_transports import OCPPServer
from ocpp_transports._runtime import _accept_loop, _tasks
from ocpp_transports._runtime._tcp_listener import TcpListener
from ocpp_transports._server._lifecycle._inherited import inherited_socket, sockets_of_systemd
from tests.kinds import mistyped
from tests.transports.pairs import SECONDS, client_of, never, serving, upgrade

HOST = "127.0.0.1"


def knocks(port, count):
    """Connect and send requests, all within one turn of the event loop: they wait in the backlog."""
    waiting = [socket.create_connection((HOST, port)) for _ in range(count)]
    for number, each in enumerate(waiting):
        each.sendall(upgrade(f"/CP{number}"))
    return waiting


async def statuses(waiting, meanwhile=anyio.lowlevel.checkpoint):
    """Read the status of each answer; 0 for a connection that was reset."""

    def read():
        for each in waiting:
            each.settimeout(SECONDS)
            with closing(each), suppress(ConnectionResetError):
                found.append(int(each.recv(4096).split()[1]))

    found: list[int] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, read)
        await meanwhile()
    return found + [0] * (len(waiting) - len(found))


def listening():
    return closing(socket.create_server((HOST, 0)))


@pytest.mark.anyio
class TestAtItsEnd:
    async def test_a_listener_refuses_those_who_wait_instead_of_resetting_them(self):
        async with serving() as (server, listener):
            assert await statuses(knocks(listener.port, 20), server.close) == [503] * 20

    async def test_those_who_have_left_already_do_no_harm(self):
        async with serving() as (server, listener):
            waiting = knocks(listener.port, 4)
            for each in waiting[:2]:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.close()
            assert await statuses(waiting[2:], server.close) == [503, 503]

    async def test_a_silent_connection_does_not_keep_it_open(self, monkeypatch):
        monkeypatch.setattr(_tasks, "PARTING", 0.02)
        async with serving() as (server, listener):
            with closing(socket.create_connection((HOST, listener.port))), anyio.fail_after(SECONDS):
                await server.close()

    async def test_a_flood_does_not_keep_it_open(self, monkeypatch):
        monkeypatch.setattr(_accept_loop, "MOST_WAITING", 5)
        async with serving() as (server, listener):
            found = await statuses(knocks(listener.port, 40), server.close)
        assert found.count(503) < 40, "the others are reset"

    async def test_a_listener_that_two_tasks_close_accepts_those_who_wait_before_it_closes_its_sockets(self):
        steps = []

        class Socket:
            def __init__(self, name):
                self.name = name

            def extra(self, _):
                return HOST, 1

            async def aclose(self):
                steps.append(f"close {self.name}")
                await anyio.lowlevel.checkpoint()

        async def accept_waiting(socket):
            await anyio.lowlevel.checkpoint()
            steps.append(f"accept {socket.name}")

        owner = Mock(spawn_detached=Mock(), over=AsyncMock())
        listener = TcpListener(owner, mistyped([Socket("IPv4"), Socket("IPv6")]), reuse_port=False, is_inherited=False)
        listener.accept_by(mistyped(never), accept_waiting)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.aclose)
            tasks.start_soon(listener.aclose)
        assert steps[:4] == ["accept IPv4", "close IPv4", "accept IPv6", "close IPv6"]

    async def test_a_listener_that_ends_alone_hands_over_those_who_wait(self):
        async with serving() as (_, listener):
            assert await statuses(knocks(listener.port, 20), listener.aclose) == [101] * 20


@pytest.mark.anyio
class TestASharedPort:
    async def test_takes_several_servers_and_loses_no_connection_when_one_of_them_closes(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as one, OCPPServer(protocols=["ocpp1.6"]) as two:
            first = await one.listen(0, HOST, reuse_port=True)
            second = await two.listen(first.port, HOST, reuse_port=True)
            assert first.reuse_port
            found = await statuses(knocks(second.port, 40), one.close)
            assert set(found) <= {101, 503}
            late = await statuses(knocks(second.port, 10))
            assert late == [101] * 10, "the other server gets all"

    async def test_is_left_to_the_others_from_the_beginning_of_the_close(self):
        async with serving() as (server, listener), client_of(listener, reconnect=False) as client:
            shared = await server.listen(0, HOST, reuse_port=True)
            release, begun = anyio.Event(), anyio.Event()

            @server.handle("Heartbeat")
            async def heartbeat(_):
                begun.set()
                await release.wait()

            await client.connect()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.safe_call, "Heartbeat")
                await begun.wait()
                tasks.start_soon(server.close)
                await anyio.wait_all_tasks_blocked()
                assert (shared.closed, listener.closed) == (True, False)
                release.set()

    async def test_is_not_shared_with_those_who_do_not_say_so(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            listener = await server.listen(0, HOST, reuse_port=True)
            with pytest.raises(OSError, match="in use"):
                await server.listen(listener.port, HOST)


@pytest.mark.anyio
class TestAnInheritedSocket:
    async def test_serves_those_who_came_before_and_keeps_those_who_come_later_for_the_next_server(self):
        with listening() as sock:
            early = knocks(sock.getsockname()[1], 1)
            async with OCPPServer(protocols=["ocpp1.6"]) as server:
                listener = await server.listen(fd=sock.fileno())
                assert (listener.host, listener.port) == sock.getsockname()
                assert await statuses(early) == [101]
                await server.close()
            late = knocks(sock.getsockname()[1], 3)
            async with OCPPServer(protocols=["ocpp1.6"]) as successor:
                await successor.listen(fd=sock.fileno())
                assert await statuses(late) == [101] * 3

    @pytest.mark.parametrize(
        ("given", "error", "expected"),
        [
            ({"fd": -1}, ValueError, "fd as the number of a descriptor, got -1"),
            ({"fd": True}, ValueError, "fd as the number of a descriptor, got True"),
            ({"fd": 1 << 20}, ValueError, "fd as a listening TCP socket, got 1048576: Bad file descriptor"),
            ({"fd": 3, "port": 9000}, ValueError, "no port, host, backlog or reuse_port with fd or systemd"),
            ({"fd": 3, "reuse_port": True}, ValueError, "no port, host, backlog or reuse_port with fd or systemd"),
            ({"fd": 3, "systemd": True}, ValueError, "either fd or systemd, got both"),
            ({"systemd": ""}, TypeError, "systemd as bool or the name of a socket, got ''"),
            ({"systemd": 1}, TypeError, "systemd as bool or the name of a socket, got 1"),
            ({"reuse_port": 1}, TypeError, "reuse_port as bool, got 1"),
            ({"systemd": True}, RuntimeError, "cannot listen: systemd passed no sockets to this process; "),
        ],
    )
    async def test_that_there_is_not_is_refused(self, given, error, expected):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            with pytest.raises(error, match=expected):
                await server.listen(**mistyped(given))


class TestOneDescriptor:
    def test_is_copied_so_that_its_owner_still_has_it(self):
        with listening() as sock:
            with closing(inherited_socket(sock.fileno())) as copy:
                assert copy.fileno() != sock.fileno()
                assert not copy.get_inheritable()
            assert sock.getsockname()

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ((socket.AF_INET, socket.SOCK_STREAM), "it does not listen"),
            ((socket.AF_INET, socket.SOCK_DGRAM), "it is another kind of socket"),
            ((socket.AF_UNIX, socket.SOCK_STREAM), "it is another kind of socket"),
        ],
        ids=["not listening", "UDP", "local"],
    )
    def test_that_is_no_listening_tcp_socket_is_refused(self, kind, expected):
        with closing(socket.socket(*kind)) as sock, pytest.raises(ValueError, match=expected):
            inherited_socket(sock.fileno())

    def test_that_is_a_file_is_refused(self, tmp_path):
        with (tmp_path / "file").open("w") as file, pytest.raises(ValueError, match="fd as a listening TCP socket"):
            inherited_socket(file.fileno())


@contextmanager
def passed(count, **variables):
    """Pass sockets as systemd does; yields the variables and the number of the first descriptor."""
    taken = []
    with listening() as one, listening() as two:
        first = max(one.fileno(), two.fileno(), 100)
        for index, sock in enumerate((one, two)[:count]):
            taken.append(os.dup2(sock.fileno(), first + index, inheritable=True))
        yield {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(count), **variables}, first
        for fd in taken:
            with suppress(OSError):
                os.close(fd)


class TestSocketsOfSystemd:
    def test_are_taken_once_and_their_variables_with_them(self):
        with passed(2, HOME="/") as (variables, first):
            sockets = sockets_of_systemd(None, variables, first=first)
            assert [each.fileno() for each in sockets] == [first, first + 1]
            assert not any(each.get_inheritable() for each in sockets)
            assert variables == {"HOME": "/"}
            for each in sockets:
                each.close()

    def test_have_names(self):
        with passed(2, LISTEN_FDNAMES="ws:wss") as (variables, first):
            (secure,) = sockets_of_systemd("wss", variables, first=first)
            assert secure.fileno() == first + 1
            with pytest.raises(RuntimeError, match="systemd passed no socket named 'wss' to this process"):
                sockets_of_systemd("wss", variables, first=first)
            (plain,) = sockets_of_systemd("ws", variables, first=first)
            assert plain.fileno() == first
            assert variables == {}
            secure.close()
            plain.close()

    @pytest.mark.parametrize(
        "variables",
        [
            {"LISTEN_PID": "1"},
            {"LISTEN_PID": "x"},
            {"LISTEN_FDS": "0"},
            {"LISTEN_FDS": "-1"},
            {"LISTEN_FDS": "99999999"},
            {"LISTEN_FDS": ""},
        ],
        ids=repr,
    )
    def test_are_none_if_they_are_for_another_process_or_not_readable(self, variables):
        with passed(1, **variables) as (environment, first):
            with pytest.raises(RuntimeError, match="systemd passed no sockets to this process"):
                sockets_of_systemd(None, environment, first=first)
            assert "LISTEN_FDS" in environment, "for the process that they are for"

    def test_that_are_of_another_kind_are_refused(self):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
            variables = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
            with pytest.raises(ValueError, match="expected listening TCP sockets from systemd, got descriptor"):
                sockets_of_systemd(None, variables, first=sock.fileno())

    def test_stay_open_if_one_of_them_is_of_another_kind(self):
        with passed(2) as (variables, first):
            os.close(first + 1)
            with pytest.raises(ValueError, match=f"got descriptor {first + 1}"):
                sockets_of_systemd(None, variables, first=first)
            os.fstat(first)
