"""The private directory of a port, and its lock."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ocpp_transports.cluster._workers._port_directory import PortDirectory, socket_of_worker

PORT = 9000
ADDRESSES = ["0.0.0.0", "::"]


@pytest.fixture(autouse=True)
def temporary(monkeypatch):
    """Keep directories in one with a short path: the path of a socket has about 100 bytes at most."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield folder


def opened(port=PORT, addresses=ADDRESSES):
    """Lock the directory of a port, as its supervisor does."""
    return PortDirectory(port, addresses)


def test_only_its_user_can_enter_it_and_it_is_gone_at_the_end():
    directory = opened()
    assert [each.stat().st_mode & 0o777 for each in (directory.path, directory.path.parent)] == [0o700, 0o700]
    directory.close()
    assert not directory.path.exists()


def test_a_second_supervisor_learns_who_has_it():
    directory = opened()
    words = rf"cannot serve on port 9000: process {os.getpid()} is the supervisor of its workers; send it SIGHUP"
    with pytest.raises(OSError, match=words) as raised:
        opened(addresses=[*reversed(ADDRESSES)])
    assert raised.value.errno == errno.EADDRINUSE
    directory.close()
    opened().close()


def test_other_ports_and_addresses_have_others():
    opened_ones = [opened(), opened(port=9001), opened(addresses=["127.0.0.1"])]
    assert len({each.path for each in opened_ones}) == 3
    for each in opened_ones:
        each.close()


def test_what_a_killed_supervisor_left_is_taken_over_with_the_sockets_of_workers_that_run():
    directory = opened()
    os.close(directory._lock)  # as its death does
    directory.control.close()
    path = socket_of_worker(str(directory.path))
    assert path is not None
    running = Path(path)
    ended = running.with_name(f"{_ended_process()}-0a0b0c0d")
    for each in (running, ended):
        each.touch()
    following = opened()
    assert (running.exists(), ended.exists()) == (True, False)
    following.close()
    assert running.exists()


def _ended_process():
    return subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("left", ["others may enter it", "a file", "a link"])
def test_a_directory_that_is_not_private_is_refused(temporary, left):
    parent = Path(temporary, f"ocpp-ws-io-{os.geteuid()}")
    match left:
        case "a file":
            parent.touch()
        case "a link":
            parent.symlink_to("/")
        case _:
            parent.mkdir()
            parent.chmod(0o755)
    with pytest.raises(PermissionError, match="expected a directory that only this user can enter"):
        opened()


@pytest.mark.parametrize(
    ("name", "words"), [("x" * 100, "too long"), ("a?b", "expected a path without"), ("a#b", "a#b")]
)
def test_a_path_that_cannot_be_that_of_a_socket_is_refused_and_left_unlocked(monkeypatch, temporary, name, words):
    folder = Path(temporary, name)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    for _ in range(2):
        with pytest.raises(OSError, match=words):
            opened()


def test_a_worker_has_no_socket_in_a_directory_that_was_removed(temporary):
    assert socket_of_worker(f"{temporary}/removed") is socket_of_worker(None) is None
