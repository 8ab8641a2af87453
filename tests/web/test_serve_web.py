"""`tools/serve_web.py`: the page and the central system, and the page as a folder."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.browser.requirements import require
from tools.web.distribution import PYODIDE_FILES

ROOT = Path(__file__).parents[2]
TOOL = [sys.executable, str(ROOT / "tools" / "serve_web.py")]


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    require("chromium")


@pytest.fixture(scope="module")
def served(installed: None) -> Iterator[tuple[str, str]]:
    """The addresses of the page and of the central system; what serves them ends in order when it is interrupted."""
    command = [*TOOL, "--port", "0", "--csms-port", "0"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        page, csms = (re.search(r"\w+://\S+", line) for line in lines)
        assert page
        assert csms
        yield page.group(), csms.group()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


class TestServing:
    def test_the_page_is_there_with_its_policy_and_offers_the_central_system(self, served: tuple[str, str]) -> None:
        page, csms = served
        with urlopen(page) as answer:
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            assert "script-src 'self' 'wasm-unsafe-eval'; style-src" in answer.headers["Content-Security-Policy"]
        with urlopen(f"{page}site.json") as answer:
            assert json.load(answer)["csms"] == csms

    def test_a_port_that_is_taken_is_told(self, served: tuple[str, str]) -> None:
        port = served[0].rstrip("/").rpartition(":")[2]
        done = subprocess.run([*TOOL, "--csms-port", port], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("cannot serve the page: ")
        assert "Traceback" not in done.stderr


class TestWriting:
    def test_a_folder_that_any_server_can_serve(self, tmp_path: Path) -> None:
        subprocess.run([*TOOL, "--write", str(tmp_path)], check=True)
        names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
        assert {f"pyodide/{name}" for name in PYODIDE_FILES} | {"index.html", "loader.js", "site.json"} < names
        lock = json.loads((tmp_path / "pyodide-lock.json").read_text(encoding="utf-8"))
        assert {package["file_name"] for package in lock["packages"].values()} == {
            name for name in names if name.endswith(".whl")
        }
        assert json.loads((tmp_path / "site.json").read_text(encoding="utf-8"))["csms"] is None
