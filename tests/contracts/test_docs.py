"""The documentation is true: its snippets run, what it names exists, its generated pages are up to date."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from math import inf
from pathlib import Path
from typing import get_args

import pytest

from ocpp_transports import OCPPClient, OCPPServer, OCPPServerClient
from ocpp_transports._logging._log import LOGGER
from ocpp_transports._options._browser import BrowserOptions
from ocpp_transports._options._client import ClientOptions
from ocpp_transports._options._connection import BUNDLED_PROTOCOLS, PeerOptions
from ocpp_transports._options._server import ServerOptions
from ocpp_transports.events import SecurityEventKind
from tests.contracts.snippets import Page, read
from tools import build_docs
from tools.index_readme import describe

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
PACKAGES = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_SNIPPETS = [page for page in PAGES if any(read(page.read_text(encoding="utf-8")))]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links(page: Path) -> list[tuple[str, str]]:
    """Every link of a page that leads into this repository: file and anchor, either may be empty."""
    return re.findall(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)", prose(page))


@pytest.fixture
def log_level() -> Iterator[None]:
    """Undo what a page sets for the whole process."""
    level = LOGGER.level
    yield
    LOGGER.setLevel(level)


@pytest.mark.usefixtures("log_level")
@pytest.mark.parametrize("page", WITH_SNIPPETS, ids=name_of)
def test_the_snippets_of_a_page_run(page: Path, tmp_path: Path) -> None:
    Page(page, tmp_path).run()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
class TestWhatAPageNames:
    def test_every_anchor_exists(self, page: Path) -> None:
        missing = [
            f"{target}#{anchor}"
            for target, anchor in links(page)
            if anchor and anchor not in anchors(page.parent / target if target else page)
        ]
        assert missing == []

    def test_every_file_named_in_code_type_exists(self, page: Path) -> None:
        """A path is relative to the repository or to one of the packages."""
        tops = [ROOT, *(ROOT / package for package in PACKAGES)]
        folders = {path.name for top in tops for path in top.iterdir() if path.is_dir()}
        named = (name for name in re.findall(r"`([\w./*-]+/[\w./*-]*)`", prose(page)) if name.split("/")[0] in folders)
        assert [name for name in named if not any(list(top.glob(name)) for top in tops)] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            ahead += [(page.parent / target).resolve() for target, _ in links(page) if target]
    assert [name_of(page) for page in PAGES if page not in reached] == []


class TestTheArchitecture:
    TEXT = (ROOT / "docs/design/architecture.md").read_text(encoding="utf-8")

    def test_it_opens_with_the_files_to_open_for_a_task(self) -> None:
        opening = self.TEXT.split("\n## ")[1]
        rows = re.findall(r"^\| ([a-z`].+?) \| (.+?) \|(.*)\|$", opening, re.MULTILINE)
        assert 25 <= len(rows) <= 35
        named = {task: re.findall(r"`(\w+/.+?)`", first + beside) for task, first, beside in rows}
        assert [task for task, first, _ in rows if not first.startswith("`ocpp_")] == []
        assert [name for names in named.values() for name in names if not (ROOT / name).is_file()] == []

    @pytest.mark.parametrize("package", PACKAGES)
    def test_it_says_what_every_folder_is_for(self, package: str) -> None:
        rows = self.TEXT.split(f"\n### {package}\n")[1].split("\n##")[0]
        folders = {path.parent.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")}
        assert set(re.findall(r"^\| `(.+?)/`", rows, re.MULTILINE)) == {str(folder) for folder in folders}

    @pytest.mark.parametrize("package", PACKAGES)
    def test_it_names_every_source_file_and_no_other(self, package: str) -> None:
        rows = self.TEXT.split(f"<!-- files: {package} -->")[1].split("<!-- end of files -->")[0]
        sources = {str(path.relative_to(ROOT / package)) for path in (ROOT / package).rglob("*.py")}
        assert set(re.findall(r"^\| `(.+?)`", rows, re.MULTILINE)) == sources


@pytest.mark.parametrize("options", [BrowserOptions, ClientOptions, ServerOptions])
def test_the_mapping_of_the_reference_names_every_option(options: type[PeerOptions]) -> None:
    text = (ROOT / "docs/migrating-from-npm.md").read_text(encoding="utf-8")
    assert [each.name for each in fields(options) if not re.search(rf"`{each.name}\b", text)] == []


@pytest.mark.parametrize("cls", [OCPPClient, OCPPServer, OCPPServerClient])
def test_the_mapping_of_the_reference_names_every_method(cls: type) -> None:
    text = (ROOT / "docs/migrating-from-npm.md").read_text(encoding="utf-8")
    names = [name for name in dir(cls) if not name.startswith("_")]
    assert [name for name in names if not re.search(rf"`[^`]*\b{name}\b[^`]*`", text)] == []


@pytest.mark.parametrize("options", [ClientOptions, ServerOptions])
def test_the_defaults_in_the_mapping_are_those_of_the_code(options: type[PeerOptions]) -> None:
    text = (ROOT / "docs/migrating-from-npm.md").read_text(encoding="utf-8")
    title = f"## Translate the options of a {'client' if options is ClientOptions else 'server'}\n"
    here = "\n".join(re.findall(r"^\|[^|]*\|([^|]*)\|", text.split(title)[1].split("\n## ")[0], re.MULTILINE))
    defaults = {each.name: each.default for each in fields(options)}
    stated = {
        name: inf if value == "inf" else ast.literal_eval(value)
        for name, value in re.findall(r"`(\w+)=(inf|[^`(.]+|\(\))`", here)
        if name in defaults
    }
    assert len(stated) > 10
    assert stated == {name: defaults[name] for name in stated}


RENDERED = {name: cache(render) for name, render in build_docs.PAGES.items()}


class TestTheGeneratedPages:
    @pytest.fixture(autouse=True)
    def rendered_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(build_docs, "PAGES", RENDERED)

    def test_they_are_up_to_date(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert build_docs.main(["--check"]) == 0, capsys.readouterr().out

    def test_a_check_fails_on_a_difference_and_writes_nothing(self, tmp_path: Path) -> None:
        assert build_docs.main(["--check"], tmp_path) == 1
        assert list(tmp_path.iterdir()) == []

    def test_they_are_written_where_they_differ(self, tmp_path: Path) -> None:
        assert build_docs.main([], tmp_path) == 0
        assert build_docs.main(["--check"], tmp_path) == 0


class TestTheGuideToMessages:
    TEXT = (ROOT / "docs/troubleshoot.md").read_text(encoding="utf-8")
    FOREIGN = (
        "Connect call failed",
        "Connection refused",
        "Name or service not known",
        "Address already in use",
        "named 'websockets'",
        "No such file or directory",
    )
    """Texts of the operating system and of Python."""

    def test_the_library_has_every_text(self) -> None:
        cells = re.findall(r"^\| (.+?) \|", self.TEXT, re.MULTILINE)
        texts = [text for cell in cells for text in re.findall(r"``(.+?)``|`([^`]+)`", cell)]
        parts = {part.strip(" ,;:") for text in texts for part in "".join(text).split("…")}
        known = literals()
        long = [part for part in parts if " " in part and not any(part.endswith(each) for each in self.FOREIGN)]
        assert len(long) > 90
        assert [part for part in long if part not in known] == []

    def test_it_names_every_kind_of_incident(self) -> None:
        assert [kind for kind in get_args(SecurityEventKind) if f"`{kind}`" not in self.TEXT] == []

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 426, 429, 431, 500, 503, 505])
    def test_it_has_every_status_of_a_refusal(self, status: int) -> None:
        assert re.search(rf"^### .*\b{status}\b", self.TEXT, re.MULTILINE)

    @pytest.mark.parametrize("code", [1000, 1001, 1002, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 4000])
    def test_it_has_every_close_code(self, code: int) -> None:
        assert re.search(rf"^\| {code}\b", self.TEXT, re.MULTILINE)


def test_the_checklist_for_production_states_the_defaults_of_the_code() -> None:
    text = (ROOT / "docs/production.md").read_text(encoding="utf-8")
    stated = re.findall(r"^\| `(\w+)` \| `([^`]+)`", text, re.MULTILINE)
    defaults = {each.name: each.default for each in fields(ServerOptions)}
    assert len(stated) > 30
    values = {name: inf if value == "inf" else ast.literal_eval(value) for name, value in stated}
    assert values == {name: defaults[name] for name, _ in stated}


def literals() -> str:
    """Return all texts in the sources; what an f-string inserts separates its parts."""
    found: list[str] = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
            found += [
                each.decode("latin-1") if isinstance(each, bytes) else each
                for each in constants
                if isinstance(each, (str, bytes))
            ]
    return "\n".join(found)


class TestTheReadme:
    README = (ROOT / "README.md").read_text(encoding="utf-8")

    def test_it_says_whether_there_is_a_release(self) -> None:
        changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        is_released = re.search(r"^## \[\d[^\]]*\] - \d", changelog, re.MULTILINE) is not None
        assert ("not released yet" not in self.README) == is_released

    def test_its_code_fits_the_page_of_a_package_index(self) -> None:
        lines = [line for block in read(self.README) for line in block.code.splitlines()]
        assert [line for line in lines if len(line) > 76] == []

    def test_its_installation_names_every_extra_and_version_of_python(self) -> None:
        installation = self.README.split("## Installation")[1].split("## Where to go")[0]
        extras = PROJECT["optional-dependencies"]
        assert [name for name in extras if f"ocpp-ws-io[{name}]" not in installation] == []
        pythons = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
        assert re.findall(r"\b3\.\d+\b", installation.split("| Python |")[1]) == pythons


def test_the_page_of_names_has_every_name() -> None:
    text = (ROOT / "docs/names.md").read_text(encoding="utf-8")
    names = [PROJECT["name"], *PACKAGES, LOGGER.name, *BUNDLED_PROTOCOLS]
    assert [name for name in names if f"`{name}`" not in text] == []


class TestTheReadmeOnAPackageIndex:
    """An index shows the README without the repository around it, so it resolves no relative link."""

    README = "\n".join(
        [
            "[Calls](docs/calls.md), [TLS](docs/security.md#tls), [`LICENSE`](LICENSE), [below](#more)",
            "![A picture](docs/images/one.png)[Pyodide](https://pyodide.org/)",
            "```text\n[2,](id)\n```",
        ]
    )

    def test_without_a_public_address_its_links_name_files(self) -> None:
        assert describe(self.README, "").split("\n") == [
            "Calls (`docs/calls.md`), TLS (`docs/security.md`), `LICENSE`, [below](#more)",
            "[Pyodide](https://pyodide.org/)",
            "```text",
            "[2,](id)",
            "```",
            "The files that this page names are in the source distribution.",
            "",
        ]

    def test_with_one_they_are_absolute(self) -> None:
        first, second, *_ = describe(self.README, "https://csms.example/v1/").split("\n")
        assert first == (
            "[Calls](https://csms.example/v1/docs/calls.md), "
            "[TLS](https://csms.example/v1/docs/security.md#tls), "
            "[`LICENSE`](https://csms.example/v1/LICENSE), [below](#more)"
        )
        assert second.startswith("![A picture](https://csms.example/v1/docs/images/one.png)")

    def test_the_metadata_has_an_address_for_both_or_for_none(self) -> None:
        links = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["links"]
        assert bool(links) == bool(PROJECT.get("urls"))

    @pytest.mark.parametrize("links", ["csms.example/", "https://csms.example/v1", "http://csms.example/"])
    def test_an_address_that_cannot_be_appended_to_is_refused(self, links: str) -> None:
        with pytest.raises(ValueError, match="expected links as"):
            describe(self.README, links)


class TestTheRunnerOfSnippets:
    """What the runner promises to the writers of pages."""

    def run(self, folder: Path, *blocks: str) -> None:
        page = folder / "page.md"
        page.write_text("\n".join(blocks), encoding="utf-8")
        Page(page, folder).run()

    def test_the_blocks_of_a_page_share_a_namespace_and_an_event_loop(self, tmp_path: Path) -> None:
        loop = "```python\nimport asyncio\nfirst = asyncio.get_running_loop()\nawait asyncio.sleep(0)\n```"
        same = "```python\nassert asyncio.get_running_loop() is first\nawait asyncio.sleep(0)\n```"
        self.run(tmp_path, loop, same)

    def test_a_block_that_is_alone_does_not(self, tmp_path: Path) -> None:
        with pytest.raises(NameError):
            self.run(tmp_path, "```python\nx = 1\n```", "<!-- alone -->", "```python\nx\n```")

    def test_a_failure_is_raised_with_the_line_of_the_page(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError) as failure:
            self.run(tmp_path, "# A title", "```python\n1 / 0\n```")
        assert failure.traceback[-1].path == tmp_path / "page.md"
        assert failure.traceback[-1].lineno + 1 == 3

    def test_what_readers_do_not_see_does_not_run(self, tmp_path: Path) -> None:
        with pytest.raises(NameError):
            self.run(tmp_path, "<!-- hidden\nx = 1\n-->", "```python\nx\n```")

    CONSOLE = "Paste them into `python -m asyncio`."

    def test_a_page_for_the_console_is_pasted_into_one(self, tmp_path: Path) -> None:
        blocks = [
            "```python\nimport asyncio\n\n\ndef f():\n    return 1\n\n\nx = f()\n```",
            "```python\nloop = asyncio.get_running_loop()\nawait asyncio.sleep(0)\nassert x == 1\n```",
            "```python\nfor _ in (1, 2):\n    x += 1\n```",
            "```python\nassert x == 3\nx\n```",
        ]
        self.run(tmp_path, self.CONSOLE, *blocks)

    @pytest.mark.parametrize(
        "block", ["try:\n    x = 1\nfinally:\n    y = 1\nx\n", "def f():\n    x = 1\n\n    return x\n", "f(\n"]
    )
    def test_a_block_that_the_console_refuses_fails_the_page(self, tmp_path: Path, block: str) -> None:
        with pytest.raises((SyntaxError, AssertionError)):
            self.run(tmp_path, self.CONSOLE, f"```python\n{block}```")

    def test_a_failure_in_the_console_has_the_line_of_the_page(self, tmp_path: Path) -> None:
        with pytest.raises(ZeroDivisionError) as failure:
            self.run(tmp_path, self.CONSOLE, "```python\nx = 1\n\nif x:\n    x / 0\n```")
        assert failure.traceback[-1].path == tmp_path / "page.md"
        assert failure.traceback[-1].lineno + 1 == 6

    def test_a_block_marked_so_is_only_compiled(self, tmp_path: Path) -> None:
        self.run(tmp_path, "<!-- not run: it shows a shape -->\n```python\nx / 0\n```")
        with pytest.raises(SyntaxError):
            self.run(tmp_path, "<!-- not run: it shows a shape -->\n```python\nx /\n```")

    @pytest.mark.parametrize("shown", ["1 and 2", "... 2"])
    def test_output_that_is_shown_must_be_printed(self, tmp_path: Path, shown: str) -> None:
        block = "```python\nprint(1, 'and', {})  # {}\n```".format
        self.run(tmp_path, block(2, shown))
        with pytest.raises(AssertionError):
            self.run(tmp_path, block(3, shown))

    def test_a_server_runs_beside_the_page_on_a_free_port(self, tmp_path: Path) -> None:
        server = (
            "```python\nimport socket, threading\nlistener = socket.create_server(('127.0.0.1', 9000))\n"
            "threading.Event().wait()\n```"
        )
        client = "```python\nimport socket\nsocket.create_connection(('127.0.0.1', 9000)).close()\n```"
        self.run(tmp_path, server, client)

    def test_a_server_that_dies_fails_the_page(self, tmp_path: Path) -> None:
        with pytest.raises(AssertionError, match="ended early"):
            self.run(tmp_path, "```python\nlisten(9000)\nEvent().wait()\n```")
