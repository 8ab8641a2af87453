"""The programs of the guide to migrate serve a station alike: for the package `ocpp`, moved by the tool, and native."""

import asyncio
import json
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from ocpp_transports import HandlerContext, OCPPClient, RPCError
from ocpp_transports.compat.migrate.__main__ import main as migrate
from tests.contracts.snippets import ROOT, accepts, read
from tests.free_ports import free_port

GUIDE: Final = (ROOT / "docs/migrating-from-mobilityhouse.md").read_text(encoding="utf-8")
BEFORE, NATIVE = (each.code for each in read(GUIDE.split("## Follow an example\n")[1]))
NOW: Final = "2026-01-01T00:00:00Z"
LINES: Final = 10
"""Lines that a program prints in a visit."""


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[str]]:
    return outcome(NATIVE, tmp_path_factory.mktemp("native"))


def test_the_program_for_the_package_and_the_native_one_serve_alike(native: Any, tmp_path: Path) -> None:
    assert outcome(BEFORE, tmp_path) == native


def test_the_program_with_other_imports_serves_like_the_native_one(native: Any, tmp_path: Path) -> None:
    assert outcome(moved(tmp_path), tmp_path) == native


def test_the_page_shows_what_changes_and_what_is_printed(native: Any, tmp_path: Path) -> None:
    diff = GUIDE.split("```diff\n")[1].split("```")[0].splitlines()
    before, after = BEFORE.splitlines(), moved(tmp_path).splitlines()
    assert [line[1:] for line in diff if line[0] == "-"] == [line for line in before if line not in after]
    assert [line[1:] for line in diff if line[0] == "+" and line[1:]] == [line for line in after if line not in before]
    printed = GUIDE.split("and print\nthe same lines:\n\n```text\n")[1].split("```")[0].splitlines()
    assert sorted(printed) == [line for line in native[1] if line.startswith("CP001")]


def moved(folder: Path) -> str:
    """Return the program for the package, changed as the page says."""
    program = folder / "moved.py"
    program.write_text(BEFORE, encoding="utf-8")
    assert migrate(["--write", str(program)]) == 0
    text = program.read_text(encoding="utf-8")
    start = "    @on(Action.boot_notification)\n"
    return text.replace(start, f"    suppress_call_errors = True\n\n{start}", 1)


def outcome(program: str, folder: Path) -> tuple[list[Any], list[str]]:
    """Run a program for two stations. Returns what they received and what it printed, each sorted."""
    script, complaints = folder / "program.py", folder / "errors"
    command = [sys.executable, "-W", "error", "-u", str(script)]
    with ExitStack() as stack:
        port = stack.enter_context(free_port())
        script.write_text(re.sub(r"\b9000\b", str(port), program), encoding="utf-8")
        errors = stack.enter_context(complaints.open("w+", encoding="utf-8"))
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        stack.enter_context(process)
        stack.callback(process.kill)
        while not accepts(port):
            assert process.poll() is None, complaints.read_text(encoding="utf-8")
            time.sleep(0.02)
        received = asyncio.run(visit(port))
        assert process.stdout is not None
        printed = [process.stdout.readline().strip() for _ in range(LINES)]
    return sorted(received), sorted(printed)


def requests(transaction: int) -> list[tuple[str, dict[str, Any]]]:
    """Return what a station sends in its visit."""
    return [
        ("BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "One"}),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
        ("Authorize", {"idTag": "CARD-1"}),
        ("Authorize", {"idTag": "unknown"}),
        ("Authorize", {"idTag": "STOLEN"}),
        ("StartTransaction", {"connectorId": 1, "idTag": "CARD-1", "meterStart": 100, "timestamp": NOW}),
        ("StopTransaction", {"transactionId": transaction, "meterStop": 4300, "timestamp": NOW}),
        ("Heartbeat", {}),
        ("DataTransfer", {"vendorId": "com.example"}),
    ]


async def visit(port: int) -> list[str]:
    """Play a station that can be triggered, then one that cannot."""
    accepting = await play(port, 1, {"status": "Accepted"})
    return accepting + await play(port, 2, None)


async def play(port: int, number: int, reply: dict[str, str] | None) -> list[str]:
    """Send the requests of a station. Returns the responses, and the call that it received."""
    received: list[str] = []
    is_triggered = asyncio.Event()

    def trigger(context: HandlerContext) -> dict[str, str] | None:
        received.append(f"{context.action} {context.params}")
        is_triggered.set()
        return reply or context.fail("NotSupported")

    async with OCPPClient(f"CP00{number}", f"ws://127.0.0.1:{port}", protocols=["ocpp1.6"]) as station:
        station.handle("TriggerMessage", trigger)
        await station.connect()
        for action, params in requests(transaction=number):
            received.append(f"{action} {await response(station, action, params)}")
            if action == "BootNotification":
                await is_triggered.wait()
    return received


async def response(station: OCPPClient, action: str, params: dict[str, Any]) -> str:
    """Call, and return the response without its time."""
    try:
        reply = await station.call(action, params)
    except RPCError as error:
        return error.code
    return json.dumps({key: value for key, value in reply.items() if key != "currentTime"}, sort_keys=True)
