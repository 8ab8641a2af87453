"""The repository is complete, says what changed, and names nothing that belongs to one machine."""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import ocpp_core
import ocpp_transports
from tests.conftest import LONG

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Written so that this file does not match itself.
FOREIGN = {
    "a package registry's host": re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmjs\.com"),
    "a path of one machine": re.compile(r"(?<![\w.:/-])/(?:root|work|home|Users|tmp/[a-z]+)/\w"),
}
NOT_OURS = {"node_modules", "__pycache__", "build", "dist", "htmlcov"}


def text_files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or not (name in NOT_OURS or name.startswith("."))]
        yield from (Path(folder, name) for name in names if name != ".git" and not name.startswith(".coverage"))


class TestTheTopLevel:
    @pytest.mark.parametrize(
        "name",
        [
            ".ci/run", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "docs",
            "ocpp_core/py.typed", "ocpp_transports/py.typed", "pyproject.toml", "schemas", "tests",
            "web/package-lock.json",
        ],
    )  # fmt: skip
    def test_it_has(self, name: str) -> None:
        assert (ROOT / name).exists()

    def test_continuous_integration_can_start_its_script(self) -> None:
        assert os.access(ROOT / ".ci" / "run", os.X_OK)

    def test_the_licence_is_mit(self) -> None:
        assert PROJECT["project"]["license"] == "MIT"
        assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")

    def test_four_dependencies_and_no_more(self) -> None:
        names = [re.split(r"[^\w-]", line)[0] for line in PROJECT["project"]["dependencies"]]
        assert sorted(names) == ["anyio", "fastjsonschema", "h11", "wsproto"]


@pytest.mark.parametrize("name", LONG)
def test_what_the_tests_begin_with_is_there(name: str) -> None:
    assert (ROOT / name).exists()


class TestPythonForTheBrowser:
    """Pyodide is under another licence (MPL-2.0) and large: npm fetches it, nobody publishes it with us."""

    def test_its_version_is_exact(self) -> None:
        package = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
        locked = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        assert package["devDependencies"] == {"pyodide": locked["node_modules/pyodide"]["version"]}

    def test_no_file_of_it_is_among_ours(self) -> None:
        assert [path for path in text_files() if path.name.startswith(("pyodide.", "pyodide-lock"))] == []


class TestWhatIsWritten:
    @pytest.mark.parametrize("pattern", FOREIGN.values(), ids=FOREIGN.keys())
    def test_no_file_names(self, pattern: re.Pattern[str]) -> None:
        found = [
            f"{path.relative_to(ROOT)}: {match.group()}"
            for path in text_files()
            for match in pattern.finditer(path.read_text(encoding="utf-8", errors="replace"))
        ]
        assert found == []

    def test_every_relative_link_of_the_documentation_leads_somewhere(self) -> None:
        links = [
            (path, target)
            for path in text_files()
            if path.suffix == ".md"
            for target in re.findall(r"\]\(([^)#\s:]+)(?:#[^)\s]*)?\)", path.read_text(encoding="utf-8"))
        ]
        assert [
            f"{path.relative_to(ROOT)}: {target}" for path, target in links if not (path.parent / target).exists()
        ] == []

    def test_the_changelog_starts_with_this_version_or_what_comes_after_it(self) -> None:
        headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert headings[0] in {"Unreleased", ocpp_core.__version__}
        assert ocpp_core.__version__ in headings

    def test_every_target_of_the_makefile_is_listed_by_its_help(self) -> None:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
        assert phony is not None
        assert sorted(phony.group(1).split()) == sorted(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


@pytest.mark.parametrize("package", [ocpp_core, ocpp_transports], ids=lambda package: package.__name__)
def test_every_package_says_what_it_is(package: object) -> None:
    assert package.__doc__
