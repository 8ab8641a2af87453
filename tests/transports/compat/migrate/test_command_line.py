"""The migration of files: which are found, how they are changed, and what is printed."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ocpp_transports.compat.migrate.__main__ import main

IMPORT: Final = b"from ocpp.v16 import call\n"
REWRITTEN: Final = b"from ocpp_transports.compat.v16 import call\n"


def write(folder: Path, **files: bytes) -> None:
    """Write files; `__` in a name is a folder's slash."""
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def run(*arguments: str | Path) -> int:
    return main([str(each) for each in arguments])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xef\xbb\xbf" + IMPORT, b"\xef\xbb\xbf" + REWRITTEN),
        (b"x = 1\r\n" + IMPORT.replace(b"\n", b"\r\n"), b"x = 1\r\n" + REWRITTEN.replace(b"\n", b"\r\n")),
        (b"x = 1\r" + IMPORT.strip(), b"x = 1\r" + REWRITTEN.strip()),
        (b"# coding: latin-1\nx = '\xe9'; " + IMPORT, b"# coding: latin-1\nx = '\xe9'; " + REWRITTEN),
        (
            "# coding: cp1251\nx = 'ж'; ".encode("cp1251") + IMPORT,
            "# coding: cp1251\nx = 'ж'; ".encode("cp1251") + REWRITTEN,
        ),
        (b"x = '\xc3\xa9\xf0\x9f\x94\x8c\\d\x0c'; " + IMPORT, b"x = '\xc3\xa9\xf0\x9f\x94\x8c\\d\x0c'; " + REWRITTEN),
        ("x = '\u2028\x85'; ".encode() + IMPORT, "x = '\u2028\x85'; ".encode() + REWRITTEN),
    ],
    ids=["BOM", "CRLF", "CR, no end", "latin-1", "cp1251", "utf-8", "separators"],
)
def test_all_but_the_names_stays_byte_for_byte(tmp_path, content, expected) -> None:
    write(tmp_path, program=content, other=content.replace(b"ocpp", b"occp"))
    assert run("--write", tmp_path) == 0
    assert (tmp_path / "program.py").read_bytes() == expected
    assert (tmp_path / "other.py").read_bytes() == content.replace(b"ocpp", b"occp")


def test_without_write_a_diff_is_shown_that_can_be_applied(tmp_path, capfdbinary) -> None:
    write(tmp_path, program=b"# coding: latin-1\r\n'\xe9'\r\n" + IMPORT.strip(), other=b"x = 1\n")
    assert run(tmp_path) == 0
    output, report = capfdbinary.readouterr()
    path = os.fsencode(tmp_path / "program.py")
    assert output == (
        b"--- a/" + path + b"\n+++ b/" + path + b"\n@@ -1,3 +1,3 @@\n # coding: latin-1\r\n '\xe9'\r\n"
        b"-from ocpp.v16 import call\n\\ No newline at end of file\n"
        b"+from ocpp_transports.compat.v16 import call\n\\ No newline at end of file\n"
    )
    assert report == b"files: 2, to change: 1, skipped: 0, places to check: 0\n"
    assert (tmp_path / "program.py").read_bytes().endswith(IMPORT.strip())


def test_a_file_with_nothing_to_change_is_not_written(tmp_path) -> None:
    write(tmp_path, program=b"import ocpp_asgi\n")
    (tmp_path / "program.py").chmod(0o444)
    before = (tmp_path / "program.py").stat().st_mtime_ns
    assert run("--write", tmp_path) == 0
    assert (tmp_path / "program.py").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"print 'python 2'\n", "cannot parse it: line 1: "),
        (b"x = '\xff'\n", "cannot parse it: "),
        (b"# coding: klingon\n", "cannot parse it: "),
        (b"\0", "cannot parse it: "),
        (b"x = " + b"-" * 100_000 + b"1", "cannot parse it: "),
    ],
    ids=["syntax", "bytes", "encoding", "null", "nested"],
)
def test_a_file_that_is_no_program_is_skipped_and_named(tmp_path, capsys, content, reason) -> None:
    write(tmp_path, broken=content, program=IMPORT)
    assert run("--write", tmp_path) == 1
    assert (tmp_path / "broken.py").read_bytes() == content
    assert (tmp_path / "program.py").read_bytes() == REWRITTEN
    report = capsys.readouterr().err
    assert f"{tmp_path / 'broken.py'}: skipped: {reason}" in report
    assert "files: 2, changed: 1, skipped: 1, places to check: 0" in report


def test_a_file_that_cannot_be_written_is_named(tmp_path, capsys, monkeypatch) -> None:
    def fail(self: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    write(tmp_path, program=IMPORT)
    monkeypatch.setattr(Path, "write_bytes", fail)
    assert run("--write", tmp_path) == 1
    assert "program.py: skipped: cannot write it: No space left on device" in capsys.readouterr().err


def test_folders_are_searched_but_not_hidden_and_installed_ones(tmp_path) -> None:
    inside = ("a", "folder__b", "folder__deeper__c")
    outside = (".hidden__d", "node_modules__e", "lib__site-packages__f", "env__g")
    write(tmp_path, **dict.fromkeys((*inside, *outside), IMPORT))
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "notes.txt").write_bytes(IMPORT)
    assert run("--write", tmp_path) == 0
    changed = {path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == REWRITTEN}
    assert changed == {tmp_path / f"{name.replace('__', '/')}.py" for name in inside}


def test_a_named_file_is_changed_whatever_its_name(tmp_path) -> None:
    (tmp_path / "station").write_bytes(IMPORT)
    assert run("--write", tmp_path / "station", tmp_path / "station") == 0
    assert (tmp_path / "station").read_bytes() == REWRITTEN


class TestAPackageOfTheProgramCalledOcpp:
    @pytest.mark.parametrize("root", ["", "src", "server", "vendor/lib"])
    def test_a_copy_of_the_package_is_found_and_its_imports_are_left(self, tmp_path, capsys, root) -> None:
        package = tmp_path / root / "ocpp"
        write(package, charge_point=IMPORT, messages=b"", routing=b"", v16__call=b"")
        write(tmp_path, program=IMPORT + b"from ocpp.v201 import call\n")
        assert run("--write", tmp_path) == 0
        assert (package / "charge_point.py").read_bytes() == IMPORT
        assert (tmp_path / "program.py").read_bytes() == IMPORT + b"from ocpp_transports.compat.v201 import call\n"
        report = capsys.readouterr().err
        assert f"{package}: own-package: " in report
        assert "program.py:1: import: `ocpp.v16` is a module of this program; its import was left" in report

    @pytest.mark.parametrize("own", ["ocpp__messages", "src__ocpp__messages", "server__ocpp__messages"])
    def test_a_module_next_to_the_files_that_import_it_is_left(self, tmp_path, own) -> None:
        text = b"from ocpp.messages import Start\n"
        folder, _, _ = own.rpartition("__messages")
        write(tmp_path, **{own: b"", "server__main" if "server" in own else "main": text})
        (tmp_path / folder.replace("__", "/") / "__init__.py").touch()
        assert run("--write", tmp_path) == 0
        assert text in [path.read_bytes() for path in tmp_path.rglob("main.py")]

    def test_a_package_below_another_folder_hides_nothing(self, tmp_path) -> None:
        """As in `custom_components.ocpp`, whose absolute imports of `ocpp` mean the installed package."""
        write(tmp_path, custom_components__ocpp__v16=b"", custom_components__ocpp__api=IMPORT)
        (tmp_path / "custom_components" / "ocpp" / "__init__.py").touch()
        assert run("--write", tmp_path) == 0
        assert (tmp_path / "custom_components" / "ocpp" / "api.py").read_bytes() == REWRITTEN

    def test_a_package_in_a_package_hides_nothing_if_the_outer_one_is_named(self, tmp_path) -> None:
        write(tmp_path, connectors__ocpp__v16=b"", connectors__ocpp__api=IMPORT)
        for package in ("connectors", "connectors/ocpp"):
            (tmp_path / package / "__init__.py").touch()
        assert run("--write", tmp_path / "connectors") == 0
        assert (tmp_path / "connectors" / "ocpp" / "api.py").read_bytes() == REWRITTEN


def test_a_former_name_that_another_file_imports_is_kept_as_an_alias(tmp_path) -> None:
    write(
        tmp_path,
        messages=b"from ocpp.v16.call import HeartbeatPayload\n",
        user=b"from messages import HeartbeatPayload\n",
    )
    assert run("--write", "--modernise", tmp_path) == 0
    assert (tmp_path / "messages.py").read_bytes() == (
        b"from ocpp_transports.compat.v16.call import Heartbeat as HeartbeatPayload\n"
    )


@pytest.mark.parametrize("arguments", [[], ["missing.py"], ["--wright", "."]])
def test_wrong_arguments_are_refused(tmp_path, capsys, monkeypatch, arguments) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)
    assert "usage: python -m ocpp_transports.compat.migrate" in capsys.readouterr().err


def test_it_runs_as_a_module(tmp_path) -> None:
    write(tmp_path, program=IMPORT)
    command = [sys.executable, "-m", "ocpp_transports.compat.migrate", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4])
    assert "+from ocpp_transports.compat.v16 import call" in done.stdout
    assert done.stderr == "files: 1, to change: 1, skipped: 0, places to check: 0\n"


PROGRAM: Final = """
import asyncio
import ocpp.messages
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action, RegistrationStatus


class Station(ChargePoint):
    @on(Action.boot_notification)
    def boot(self, charge_point_vendor, charge_point_model, **rest):
        return call_result.BootNotification("2026-01-01T00:00:00Z", 300, RegistrationStatus.accepted)

    @after("BootNotification")
    async def booted(self, **payload):
        FRAMES.append(sorted(payload))
        DONE.set()


class Connection:
    async def send(self, text):
        FRAMES.append(text)


async def main():
    global DONE
    DONE = asyncio.Event()
    station = Station("CP1", Connection())
    station._unique_id_generator = lambda: "7"
    await station.route_message('[2,"1","BootNotification",{"chargePointVendor":"A","chargePointModel":"B"}]')
    await DONE.wait()
    reply = asyncio.ensure_future(station.call(call.Heartbeat()))
    await asyncio.sleep(0)
    await station.route_message(ocpp.messages.CallResult("7", {"currentTime": "2026-01-01T00:00:00Z"}).to_json())
    FRAMES.append((await reply).current_time)


FRAMES = []
asyncio.run(main())
"""


def test_a_migrated_program_does_what_it_did(tmp_path) -> None:
    pytest.importorskip("ocpp")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    before = runpy.run_path(str(program))
    assert run("--write", program) == 0
    after = runpy.run_path(str(program))
    assert after["FRAMES"] == before["FRAMES"]
    assert len(after["FRAMES"]) == 4
    assert before["ChargePoint"].__module__ == "ocpp.v16"
    assert after["ChargePoint"].__module__ == "ocpp_transports.compat.v16"
