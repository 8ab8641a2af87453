"""How the page starts, and what it says when it cannot."""

import pytest

from tests.web.bench import Bench, User
from tools.web.assembly import POLICY

pytestmark = pytest.mark.timeout(180)


class TestAPageThatStarts:
    def test_can_be_used_when_python_is_ready(self, user: User) -> None:
        assert not user.tab.look("document.querySelector('#station').inert")
        assert user.tab.look("document.querySelector('#startup').hidden")

    def test_offers_the_central_system_beside_it(self, user: User) -> None:
        assert user.tab.look("document.querySelector('#url').defaultValue || document.querySelector('#url').value")


class TestAPageThatCannotStart:
    def says(self, bench: Bench, url: str, words: str) -> None:
        with bench.browser.tab(url) as tab:
            tab.wait("document.querySelector('#startup')?.dataset.failed === ''")
            assert words in tab.text("#startup-text")
            assert tab.look("document.querySelector('#station').inert")
            assert tab.text("#link") == "Not started"

    def test_for_a_policy_without_webassembly(self, bench: Bench) -> None:
        url = bench.serve(POLICY.replace(" 'wasm-unsafe-eval'", ""))
        self.says(bench, url, "Content-Security-Policy that forbids WebAssembly")

    def test_for_python_that_takes_too_long(self, bench: Bench) -> None:
        self.says(bench, bench.serve(patience=0.001), "nothing happened for 0.001 seconds")

    def test_for_a_folder_without_its_site_file(self, bench: Bench) -> None:
        self.says(bench, bench.serve(without="/site.json"), "the folder is incomplete")

    def test_for_a_part_of_python_that_is_missing(self, bench: Bench) -> None:
        self.says(bench, bench.serve(without="/pyodide/pyodide.mjs"), "A file of the page may be missing")

    @pytest.mark.parametrize("part", ["pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"])
    def test_for_any_file_that_is_missing_and_at_once(self, bench: Bench, part: str) -> None:
        (name,) = (name for name in bench.files if part in name)
        self.says(bench, bench.serve(without=name), f"{name.rpartition('/')[2]} is not available (HTTP 404)")

    def test_for_python_that_is_broken(self, bench: Bench) -> None:
        url = bench.serve(replaced={"/pyodide/pyodide.asm.wasm": b"no WebAssembly"})
        self.says(bench, url, "The file pyodide.asm.wasm could not be read")

    def test_for_a_wheel_that_is_missing(self, bench: Bench) -> None:
        (wheel,) = (name for name in bench.files if name.startswith("/wheels/station_page"))
        name = wheel.rpartition("/")[2]
        self.says(bench, bench.serve(without=wheel), f"The file {name} could not be read")
