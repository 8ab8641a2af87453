"""A supervisor and its workers as real processes: what the end of one of them does to stations."""

import json
import os
import signal
import socket
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.request import urlopen

import pytest

from ocpp_transports.cluster.__main__ import main
from tests.free_ports import free_port
from tests.link.wire import TEXT, frame
from tests.transports.cluster.redis.redis_server import needs_redis, redis_server
from tests.transports.cluster.workers.program import close_code, life, program, status, until_gone
from tests.transports.pairs import SECONDS

WAITING = 20
"""Stations that wait in the sockets of the workers while nobody accepts."""


@pytest.fixture
def threads():
    """Let many stations wait at the same time; the program in the test ends before, and with it their connections."""
    with ThreadPoolExecutor(200) as executor:
        yield executor


def stop(csms):
    """Stop all workers, so that nobody accepts."""
    for pid in csms.workers.values():
        os.kill(pid, signal.SIGSTOP)


def waiting(csms, stack, count, prefix="CP"):
    """Let stations come that nobody accepts yet."""
    return [stack.enter_context(csms.station(f"{prefix}{number}")) for number in range(count)]


def replace_stopped(csms):
    """Have workers replaced that are stopped: each goes on once its successor serves."""
    old = dict(csms.workers)
    csms.signal(signal.SIGHUP)
    for number, pid in sorted(old.items()):
        csms.until(f"worker {number} serves")
        os.kill(pid, signal.SIGCONT)
    csms.until("all workers are replaced")


def test_the_end_of_a_worker_and_a_restart_lose_no_station_that_waits_and_sigterm_closes_all(threads):
    with program() as csms, ExitStack() as stack:
        stop(csms)
        stations = waiting(csms, stack, WAITING)
        os.kill(csms.workers[1], signal.SIGKILL)
        os.kill(csms.workers[2], signal.SIGCONT)
        csms.until("worker 1 serves")
        assert [status(each) for each in stations] == [101] * WAITING

        stop(csms)
        codes = threads.map(close_code, stations)
        lives = threads.map(life, waiting(csms, stack, WAITING, "NEW"))
        replace_stopped(csms)
        assert {*codes} == {1012}
        csms.signal(signal.SIGTERM)
        assert {*lives} <= {(101, 1001), (101, 1012)}, "the old worker may accept until its successor serves"
        assert csms.ended() == (0, "")


def test_workers_go_on_without_their_supervisor_until_the_next_one_serves_the_port(threads):
    with program(workers=1) as csms:
        early = csms.station("EARLY")
        assert status(early) == 101
        csms.signal(signal.SIGKILL)
        csms.until("the supervisor has ended; process .* serves until SIGTERM, or until the next one of its port")
        late = csms.station("LATE")
        assert status(late) == 101
        codes = threads.map(close_code, [early, late])
        with program(workers=1, before=csms) as following:
            assert {*codes} == {1012}
            until_gone(csms.workers[1])
            with following.station() as station:
                assert status(station) == 101
            following.signal(signal.SIGTERM)
            assert following.ended()[0] == 0
            assert not [*Path(csms.temporary).glob("*/*")], "the directory of the port is gone"


@pytest.mark.cluster
class TestTheRest:
    def test_none_of_two_hundred_stations_that_wait_is_lost_at_a_restart(self, threads):
        with program() as csms, ExitStack() as stack:
            stop(csms)
            lives = threads.map(life, waiting(csms, stack, 200))
            replace_stopped(csms)
            csms.signal(signal.SIGTERM)
            assert {*lives} <= {(101, 1001), (101, 1012)}

    @pytest.mark.parametrize("loop", ["uvloop", "trio"])
    def test_workers_run_on_other_event_loops(self, loop):
        with program("--loop", loop, target="make_server_later") as csms:
            station = csms.station()
            assert status(station) == 101
            csms.signal(signal.SIGHUP)
            assert close_code(station) == 1012
            csms.until("all workers are replaced")
            csms.signal(signal.SIGINT)
            assert csms.ended() == (0, "")

    def test_a_second_signal_drops_the_connections(self):
        with program(workers=1) as csms, csms.station() as station:
            assert status(station) == 101
            csms.signal(signal.SIGTERM)
            assert station.recv(2)[:1] == b"\x88", "a close frame, which the station does not answer"
            csms.signal(signal.SIGTERM)
            assert csms.ended() == (0, "")

    @pytest.mark.parametrize(
        ("target", "environment", "words"),
        [
            ("missing", {}, "has no attribute 'missing'"),
            ("make_nothing", {}, "expected an OCPPServer from .*, got str"),
            ("make_server", {"REDIS": "redis://127.0.0.1:1"}, "StoreUnavailableError"),
        ],
    )
    def test_a_program_that_does_not_start_ends_all(self, target, environment, words):
        with (
            pytest.raises(AssertionError, match=words) as raised,
            program(target=target, environment=environment),
        ):
            pass
        assert "cannot serve: a worker ended before it served; see what it wrote before" in str(raised.value)

    def test_systemd_learns_of_the_start_and_the_end(self, tmp_path):
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
            systemd.bind(str(tmp_path / "notify"))
            systemd.settimeout(SECONDS)
            with program(workers=1, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as csms:
                assert systemd.recv(99) == b"READY=1"
                csms.signal(signal.SIGTERM)
                assert csms.ended() == (0, "")
                assert systemd.recv(99).startswith(b"STOPPING=1\nEXTEND_TIMEOUT_USEC=")

    @pytest.mark.parametrize("seconds", [0.0, 0.2, 0.4])
    def test_a_signal_while_workers_start_ends_them(self, seconds):
        with program(until="starting 2 workers") as csms:
            time.sleep(seconds)
            csms.signal(signal.SIGTERM)
            assert csms.process.wait(timeout=SECONDS) == 0
            assert "Traceback" not in csms.process.stdout.read(), "it ends with the last worker"

    def test_a_worker_without_a_supervisor_closes_at_sigterm_and_serves_what_waits_before(self):
        with program(workers=1) as csms:
            early = csms.station("EARLY")
            assert status(early) == 101
            csms.signal(signal.SIGKILL)
            csms.until("the supervisor has ended")
            os.kill(csms.workers[1], signal.SIGSTOP)
            waiting = csms.station("WAITING")
            os.kill(csms.workers[1], signal.SIGTERM)
            os.kill(csms.workers[1], signal.SIGCONT)
            assert status(waiting) in {101, 503}
            assert close_code(early) == 1001
            waiting.close()
            until_gone(csms.workers[1])

    def test_the_next_supervisor_loses_no_station_that_waits_for_a_worker_of_an_earlier_one(self, threads):
        with program(workers=1) as csms, ExitStack() as stack:
            csms.signal(signal.SIGKILL)
            csms.until("the supervisor has ended")
            stop(csms)
            lives = threads.map(life, waiting(csms, stack, WAITING))
            with program(workers=1, before=csms):
                os.kill(csms.workers[1], signal.SIGCONT)
                assert {*lives} == {(101, 1012)}

    def test_a_second_supervisor_of_a_port_is_refused(self, monkeypatch, capsys):
        with program(workers=1) as csms:
            monkeypatch.setattr(tempfile, "tempdir", csms.temporary)
            arguments = ["csms:make_server", "--workers", "1", "--port", str(csms.port), "--host", "127.0.0.1"]
            assert main(arguments) == 1
            assert (
                f"cannot serve on port {csms.port}: process {csms.process.pid} is the supervisor"
                in capsys.readouterr().err
            )
            with csms.station() as station:
                assert status(station) == 101

    @pytest.mark.parametrize("loop", ["uvloop", "trio"])
    def test_the_workers_of_a_supervisor_that_does_not_start_replace_none(self, loop):
        with program("--loop", loop, workers=1) as csms:
            early = csms.station("EARLY")
            assert status(early) == 101
            csms.signal(signal.SIGKILL)
            csms.until("the supervisor has ended")
            with pytest.raises(AssertionError), program(target="missing", before=csms):
                pass
            with program(workers=1, before=csms):
                assert close_code(early) == 1012
                until_gone(csms.workers[1])

    @pytest.mark.parametrize("hang", ["stopped", "blocked"])
    def test_a_worker_whose_event_loop_stands_still_is_killed_and_another_one_starts(self, hang):
        with program("--hang-timeout", "2", workers=1) as csms:
            hung = csms.workers[1]
            with csms.station("HUNG") as station:
                assert status(station) == 101
                if hang == "stopped":
                    os.kill(hung, signal.SIGSTOP)
                else:
                    station.sendall(frame(TEXT, b'[2,"1","DataTransfer",{"vendorId":"block"}]'))
                csms.until(f"process {hung} has shown no sign of life for 2 s")
                csms.until("worker 1 serves")
                assert ("in transfer" in csms.log) is (hang == "blocked"), "its stack"
            with csms.station("NEXT") as station:
                assert status(station) == 101

    def test_a_worker_has_a_port_of_its_own(self):
        with (
            free_port() as own,
            program("--worker-port", str(own), workers=1) as csms,
            urlopen(f"http://127.0.0.1:{own}/worker") as answer,
        ):
            assert json.load(answer)[:2] == [1, csms.workers[1]]

    @needs_redis
    def test_workers_with_a_registry_in_redis_are_nodes_with_names_epochs_and_addresses_of_their_own(self, tmp_path):
        nodes: dict[int, list[str]] = {}
        with redis_server(tmp_path) as redis, program(environment={"REDIS": redis.url}) as csms:
            while len(nodes) < 2:
                with urlopen(f"http://127.0.0.1:{csms.port}/worker") as answer:
                    number, pid, *nodes[number] = json.load(answer)
                name, _, address = nodes[number]
                assert csms.workers[number] == pid
                assert name.endswith(f"-{number}")
                assert address.startswith(f"unix://{csms.temporary}/")
        assert all(len({*values}) == 2 for values in zip(*nodes.values(), strict=True))
