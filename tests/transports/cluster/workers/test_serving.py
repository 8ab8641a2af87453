"""What `serve` refuses before it starts anything."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from ocpp_transports.cluster import serve
from ocpp_transports.cluster.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target": "csms"}, "expected target as 'module:function', got 'csms'"),
        ({"target": "csms.py:make_server()"}, r"expected target as 'module:function', got 'csms.py:make_server\(\)'"),
        ({"workers": 0}, "expected workers from 1 to 1024, got 0"),
        ({"workers": True}, "expected workers from 1 to 1024, got True"),
        ({"port": 65536}, "expected a port from 0 to 65535, got 65536"),
        ({"hang_timeout": 0.9}, "expected hang_timeout >= 1 or None, got 0.9"),
        ({"worker_port": 65535}, "expected worker_port from 1 to 65534 for 2 workers, got 65535"),
        ({"worker_port": 8999, "port": 9000}, "expected worker_port with 2 ports beside port 9000, got 8999"),
        ({"loop": "twisted"}, "expected loop as one of asyncio, uvloop, trio, got 'twisted'"),
    ],
)
def test_arguments(arguments, words):
    with pytest.raises(ValueError, match=words):
        serve(**{"target": "csms:make_server", "workers": 2, "port": 0, **arguments})


def test_a_port_of_another_program(capsys, caplog, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Path(tmp_path, f"ocpp-ws-io-{os.geteuid()}").touch()  # nobody can have a directory there
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["csms:make_server", "--workers", "2", "--port", port, "--host", "127.0.0.1"]) == 1
    assert f"there is no directory for port {port}, so no later supervisor can replace its workers" in caplog.text
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use\n" in capsys.readouterr().err


def test_an_unknown_host(capsys, caplog, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert main(["csms:make_server", "--workers", "2", "--port", "9000", "--host", "csms.invalid"]) == 1
    assert "cannot listen on csms.invalid port 9000: Name or service not known\n" in capsys.readouterr().err
    assert not caplog.records  # nothing about other reasons


def test_a_system_that_cannot_share_a_port(monkeypatch):
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    with pytest.raises(RuntimeError, match="cannot serve with several processes: this operating system cannot share"):
        serve("csms:make_server", workers=2, port=0)
