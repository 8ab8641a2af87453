"""The command line of the demo, in the process of the test: what it refuses, and how it says so."""

import os
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from ocpp_apps.demo import __main__ as command_line
from ocpp_apps.demo import scenario
from ocpp_apps.demo.log import RecordLog
from ocpp_apps.demo.outcome import STEPS, Outcome
from ocpp_apps.demo.plan import PROTOCOLS
from ocpp_apps.demo.server import CommandingCsms

PASSWORD = "sixteen-letters!"
ORIGINS: dict[str | None, int] = {
    "https://evil.example": 403,
    "null": 403,
    "http://localhost:8000": 101,
    "http://192.168.0.2:8000": 101,
}


@pytest.fixture(autouse=True)
def _shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario, "PERIOD", 0.02)


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture(scope="module")
def url(portal: BlockingPortal) -> Iterator[str]:
    """Of a central system that wants a password."""
    origins = ["http://192.168.0.2:8000"]
    csms = CommandingCsms(RecordLog(lambda _: None), password=PASSWORD, strict=True, origins=origins)
    with portal.wrap_async_context_manager(csms.server):
        yield f"ws://127.0.0.1:{portal.call(csms.server.listen, 0, '127.0.0.1').port}"


class TestAStation:
    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_tells_its_story_once(self, url: str, backend: str, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = ["station", "--url", url, "--password", PASSWORD, "--patience", "0", "--backend", backend]
        assert command_line.main(arguments) == 0
        out, err = capsys.readouterr()
        assert "the end" in out
        assert err == ""

    def test_that_is_refused_says_that_it_may_be_the_password(
        self, url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert command_line.main(["station", "--url", url, "--identity", "CP7", "--password", "wrong"]) == 1
        assert capsys.readouterr().err == (
            "CP7: the central system rejected the connection, HTTP 401: are identity and password right?\n"
        )

    def test_names_a_server_that_is_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command_line.main(["station", "--url", "ws://127.0.0.1:1"]) == 1
        assert capsys.readouterr().err.startswith("CP001: no connection to 127.0.0.1:1: ")

    def test_waits_for_a_server_that_comes_up_later(
        self, portal: BlockingPortal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        csms = CommandingCsms(RecordLog(lambda _: None), password=None, strict=True)
        refusing = socket.create_server(("127.0.0.1", 0))
        port = refusing.getsockname()[1]

        def come_up() -> None:
            refusing.accept()[0].close()  # the first attempt fails
            refusing.close()
            portal.call(csms.server.listen, port, "127.0.0.1")

        with portal.wrap_async_context_manager(csms.server):
            coming = threading.Thread(target=come_up)
            coming.start()
            arguments = ["station", "--url", f"ws://127.0.0.1:{port}", "--wait", "40", "--patience", "0"]
            assert command_line.main(arguments) == 0
            coming.join()
        assert capsys.readouterr().err == ""

    def test_complains_of_a_central_system_that_takes_everything(
        self, portal: BlockingPortal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        csms = CommandingCsms(RecordLog(lambda _: None), password=None, strict=False)
        with portal.wrap_async_context_manager(csms.server):
            port = portal.call(csms.server.listen, 0, "127.0.0.1").port
            assert command_line.main(["station", "--url", f"ws://127.0.0.1:{port}", "--patience", "0"]) == 1
        expected = "CP001: expected a CALLERROR to a wrong StatusNotification, got a CALLRESULT\n"
        assert capsys.readouterr().err == expected

    @pytest.mark.parametrize("option", ["--wait", "--patience"])
    @pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
    def test_refuses_a_wait_that_is_not_a_time(
        self, capsys: pytest.CaptureFixture[str], option: str, seconds: str
    ) -> None:
        assert command_line.main(["station", "--url", "ws://127.0.0.1:1", option, seconds]) == 1
        assert capsys.readouterr().err.startswith(f"expected {option} >= 0 seconds")

    @pytest.mark.parametrize("address", ["http://127.0.0.1:9000", "ws://127.0.0.1:9000/#here"])
    def test_refuses_a_url_that_is_none(self, capsys: pytest.CaptureFixture[str], address: str) -> None:
        assert command_line.main(["station", "--url", address]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("expected an endpoint ")
        assert err.count("\n") == 1


class TestAServer:
    def test_names_a_port_that_is_taken(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        port = url.rpartition(":")[2]
        assert command_line.main(["server", "--port", port]) == 1
        assert capsys.readouterr().err.startswith(f"cannot listen on 127.0.0.1 port {port}: ")

    def test_refuses_pages_that_are_neither_of_this_machine_nor_allowed(self, url: str) -> None:
        answers = {origin: status_for(url, origin) for origin in (*ORIGINS, None)}
        assert answers == {**ORIGINS, None: 401}  # the password comes first, and a page has none


def status_for(url: str, origin: str | None) -> int:
    """Return the status of the answer to a page, whose user knows the password unless there is no page."""
    known = {"Authorization": f"Basic {b64encode(f'CP1:{PASSWORD}'.encode()).decode()}"} if origin else {}
    try:
        with connect(
            f"{url}/CP1",
            subprotocols=[Subprotocol("ocpp1.6")],
            origin=Origin(origin) if origin else None,
            additional_headers=known,
        ):
            return 101
    except InvalidStatus as refusal:
        return refusal.response.status_code


@pytest.mark.parametrize("role", [[], ["server"], ["station"]])
def test_each_role_has_a_help(capsys: pytest.CaptureFixture[str], role: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line.main([*role, "--help"])
    assert ended.value.code == 0
    assert "--backend" in capsys.readouterr().out


def test_what_is_missing_is_named_and_the_exit_code_tells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def conduct(*_: object) -> Outcome:
        return Outcome({f"CP-{protocol}": protocol for protocol in PROTOCOLS}, {"CP-ocpp1.6": 0, "CP-ocpp2.1": 3})

    monkeypatch.setattr(command_line, "conduct", conduct)
    assert command_line.main([]) == 1
    out, err = capsys.readouterr()
    steps = {f"missing: CP-{protocol}: {step}" for protocol in PROTOCOLS for step in STEPS}
    steps -= {f"missing: CP-{protocol}: SEND" for protocol in ("ocpp1.6", "ocpp2.0.1")}
    ends = {"CP-ocpp2.0.1: did not end in time", "CP-ocpp2.1: ended with exit code 3", "server: did not end in time"}
    assert set(err.splitlines()) == steps | {f"missing: {end}" for end in ends}
    assert f"{len(steps) + len(ends)} steps are missing" in out
    assert "MISSING" in out


def test_the_end_of_an_input_counts_only_where_it_is_that_of_a_program() -> None:
    near, far = os.pipe()
    pair = socket.socketpair()
    with Path(os.devnull).open() as nothing, Path(__file__).open() as file:
        kinds = {"pipe": near, "socket": pair[0].fileno(), "nothing": nothing.fileno(), "file": file.fileno()}
        found = {name for name, descriptor in kinds.items() if command_line._is_pipe(descriptor)}
    for descriptor in (near, far):
        os.close(descriptor)
    for end in pair:
        end.close()
    assert found == {"pipe", "socket"}
    assert not command_line._is_pipe(-1)  # as of an input that is closed
