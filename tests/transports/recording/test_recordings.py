"""The option `record`: where recordings go, how large they get, and what a failing disk does."""

import json
import stat
from base64 import b64decode
from collections.abc import Sequence
from threading import Event
from typing import Any

import anyio
import pytest

from ocpp_core.recording import replay
from ocpp_transports import OCPPClient, OCPPServer
from ocpp_transports.recording import Recordings

pytestmark = pytest.mark.anyio

PASSWORD, TAG, KEY = "pa55word-of-CP7", "04AB12CD99", "0123456789ABCDEF0123"
SECRETS = (PASSWORD, TAG, KEY, "CP7-4711")


async def talk(server_record=None, client_record=None, calls=1, **options):
    """Let a station and a server that are recorded exchange secrets."""
    server = OCPPServer(
        protocols=["ocpp1.6"], record=server_record, security_profile=1, credentials={"CP7-4711": PASSWORD}, **options
    )
    server.handle("Authorize", lambda ctx: {"idTagInfo": {"status": "Accepted", "parentIdTag": TAG}})
    async with server:
        listener = await server.listen(0, "127.0.0.1")
        client = OCPPClient(
            "CP7-4711",
            f"ws://127.0.0.1:{listener.port}",
            protocols=["ocpp1.6"],
            password=PASSWORD,
            security_profile=1,
            record=client_record,
            **options,
        )
        client.handle("ChangeConfiguration", lambda ctx: {"status": "Accepted"})
        async with client:
            await client.connect()
            for _ in range(calls):
                await client.call("Authorize", {"idTag": TAG})
            station = server.get_client("CP7-4711")
            assert station is not None
            await station.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": KEY})


def everything_in(lines):
    """Return the lines with all that is encoded in them, and what their replay returns."""
    again = replay(lines)
    assert again.difference is None
    values = [value for line in lines for value in json.loads(line).values()]
    received = [b64decode(value["$bytes"]) for value in values if isinstance(value, dict) and "$bytes" in value]
    parts = [*lines, *map(str, again.actions), *map(unmasked, received)]
    parts += [unmasked(action.data) for action in again.actions if hasattr(action, "data")]
    return "\n".join(parts)


def unmasked(data):
    """Return a whole short frame as a text, without its mask."""
    if len(data) > 6 and data[0] == 0x81 and data[1] & 0x80:
        start = 2 if data[1] & 0x7F < 126 else 4
        mask, content = data[start : start + 4], data[start + 4 :]
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(content))
    return data.decode("latin-1")


def kinds(lines):
    """Return the kinds and sizes of the actions of a recording."""
    return [(type(each).__name__, len(getattr(each, "data", ""))) for each in replay(lines).actions]


class TestADirectory:
    async def test_gets_both_ends_without_secrets(self, tmp_path):
        await talk(tmp_path / "x", str(tmp_path / "x"), strict_mode=True)
        files = sorted((tmp_path / "x").iterdir())
        assert [json.loads(file.read_text().splitlines()[0])["engine"] for file in files] in (
            ["ClientStack", "ServerStack"],
            ["ServerStack", "ClientStack"],
        )
        for file in files:
            shown = everything_in(file.read_text().splitlines())
            assert [secret for secret in SECRETS if secret in shown] == []
            assert stat.S_IMODE(file.stat().st_mode) == 0o600

    async def test_holds_the_newest_ones_only(self, tmp_path):
        old = [f"20200101T000000.00000{number}Z-1.ocpp.jsonl{end}" for number, end in enumerate(("", ".part", ""))]
        mine = ["0-mine.ocpp.jsonl", "0-mine.txt", "1-directory.ocpp.jsonl"]
        for name in (*old, *mine[:2]):
            (tmp_path / name).write_text("x" * 2000)
        (tmp_path / mine[2]).mkdir()
        await talk(Recordings(tmp_path, total_bytes=6000))
        names = sorted(file.name for file in tmp_path.iterdir())
        assert names[:3] == mine
        assert not {*old[:2]} & {*names}
        assert sum((tmp_path / name).stat().st_size for name in names[3:]) <= 6000

    async def test_that_cannot_be_written_is_reported_once_and_harms_no_connection(self, tmp_path, caplog):
        (tmp_path / "x").write_text("no directory")
        reported = anyio.Event()

        def note(event):
            errors.append(event)
            reported.set()

        errors: list[Any] = []
        server = OCPPServer(protocols=["ocpp1.6"], record=tmp_path / "x")
        server.on("error", note)
        server.handle("Heartbeat", lambda ctx: {})
        async with server:
            listener = await server.listen(0, "127.0.0.1")
            for _ in range(2):
                async with OCPPClient("CP1", f"ws://127.0.0.1:{listener.port}", protocols=["ocpp1.6"]) as client:
                    await client.connect()
                    assert await client.call("Heartbeat") == {}
                with anyio.fail_after(10):
                    await reported.wait()
        assert [type(event.error) for event in errors] == [FileExistsError]
        assert len([record for record in caplog.records if "a recording cannot be written" in record.message]) == 1


class TestAFunction:
    async def test_gets_everything_without_redaction(self):
        kept: dict[str, Sequence[str]] = {}
        await talk(Recordings(kept.__setitem__, redact=False))
        ((name, lines),) = kept.items()
        assert name.endswith(".ocpp.jsonl")
        shown = everything_in(lines)
        assert [secret for secret in (TAG, KEY) if secret not in shown] == []

    async def test_gets_the_beginning_of_what_is_too_large(self):
        kept: dict[str, Sequence[str]] = {}
        await talk(Recordings(kept.__setitem__, connection_bytes=3000), calls=20)
        (lines,) = kept.values()
        assert json.loads(lines[-1]) == {"stopped": "the recording has 3000 bytes"}
        assert replay(lines).difference is None

    async def test_gets_nothing_of_what_all_together_have_no_room_for(self, caplog):
        kept: dict[str, Sequence[str]] = {}
        await talk(Recordings(kept.__setitem__, total_bytes=1024))
        assert kept == {}
        assert "a recording was dropped" in caplog.text

    async def test_gets_nothing_of_a_health_check(self):
        kept: dict[str, Sequence[str]] = {}
        server = OCPPServer(protocols=["ocpp1.6"], record=kept.__setitem__, http=True)
        async with server:
            listener = await server.listen(0, "127.0.0.1")
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                await stream.send(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b"200" in await stream.receive()
        assert kept == {}

    async def test_that_raises_harms_no_connection(self):
        def fail(name, lines):
            raise ValueError("full")

        await talk(fail, fail)

    async def test_that_raises_system_exit_gets_the_next_recording(self, caplog):
        kept: list[str] = []

        def end_once(name, lines):
            kept.append(name)
            if len(kept) == 1:
                raise SystemExit

        recordings = Recordings(end_once)
        await talk(recordings)
        await talk(recordings)
        assert len(kept) == 2
        assert "RuntimeError: SystemExit()" in caplog.text

    async def test_that_hangs_is_reported_at_the_end(self, monkeypatch, caplog):
        monkeypatch.setattr("ocpp_transports.recording._sources._PATIENCE", 0.01)
        free = Event()
        try:
            await talk(lambda name, lines: free.wait(10))
            await anyio.wait_all_tasks_blocked()
        finally:
            free.set()
        assert "recordings are not written 0.01 s after the end" in caplog.text

    async def test_gets_the_same_kinds_and_sizes_as_without_redaction(self):
        kept: dict[str, Sequence[str]] = {}
        await talk(Recordings(lambda name, lines: kept.setdefault("raw", lines), redact=False), calls=3)
        await talk(lambda name, lines: kept.setdefault("redacted", lines), calls=3)
        ping = [pair for pair in kinds(kept["raw"]) if pair[0] != "Report"]
        assert [pair for pair in kinds(kept["redacted"]) if pair[0] != "Report"] == ping


class TestAServerWithAQueue:
    @pytest.mark.parametrize("has_messages", [False, True])
    async def test_is_recorded_until_a_station_has_messages(self, has_messages):
        kept: dict[str, Sequence[str]] = {}
        server = OCPPServer(protocols=["ocpp1.6"], record=kept.__setitem__, offline_queue=True)
        boot = {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"}
        server.handle("BootNotification", lambda ctx: boot)
        async with server:
            listener = await server.listen(0, "127.0.0.1")
            if has_messages:
                server.enqueue("CP1", "Reset", {"type": "Soft"})
            async with OCPPClient("CP1", f"ws://127.0.0.1:{listener.port}", protocols=["ocpp1.6"]) as client:
                done = anyio.Event()
                client.handle("Reset", lambda ctx: done.set() or {"status": "Accepted"})
                await client.connect()
                await client.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
                with anyio.fail_after(5):
                    await (done.wait() if has_messages else anyio.lowlevel.checkpoint())
        (lines,) = kept.values()
        assert replay(lines).difference is None
        assert ("server's outbox, which are not recorded" in lines[-1]) is has_messages


class TestTheOption:
    @pytest.mark.parametrize("record", [1, True, b"x"])
    def test_refuses_anything_else(self, record):
        with pytest.raises(TypeError, match="expected a directory or a function for recordings, got"):
            OCPPServer(record=record)

    @pytest.mark.parametrize("options", [{"connection_bytes": 0}, {"total_bytes": 1 << 50}, {"total_bytes": "1"}])
    def test_refuses_limits_out_of_range(self, options):
        with pytest.raises(ValueError, match="bytes 1024 to"):
            Recordings(print, **options)

    def test_refuses_a_wrong_redact(self):
        wrong: Any = 0
        with pytest.raises(TypeError, match="expected redact as bool, got int"):
            Recordings(print, redact=wrong)
