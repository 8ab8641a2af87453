"""The built distributions: what is in them, and that they run where nothing of this tree is on the path."""

import re
import subprocess
import sys
import venv
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

import ocpp_core
from tests.kinds import an

ROOT = Path(__file__).parents[2]
WHEELS = Path(sys.prefix) / "wheels"  # the dependencies' wheels, kept by `make setup`
PACKAGES = ("ocpp_apps", "ocpp_core", "ocpp_transports")
BUNDLES = ("ocpp1.6.json", "ocpp2.0.1.json", "ocpp2.1.json")

pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, target: Path, *what: str) -> Path:
    """Build a source tree or an unpacked source distribution into `target`; the one file that appears there."""
    run(sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", target, source, cwd=target.parent)
    (built,) = target.iterdir()
    return built


def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    (content,) = (content for name, content in contents(wheel).items() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(content)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "--wheel")


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an empty environment into which the wheel and what it asks for are installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    source = ("--no-index", "--find-links", WHEELS) if WHEELS.is_dir() else ()
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "-q", *source, wheel, cwd=folder)
    return python


class TestTheWheel:
    def test_it_holds_every_file_of_both_packages_and_nothing_else(self, wheel: Path) -> None:
        sources = {
            str(path.relative_to(ROOT))
            for package in PACKAGES
            for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        names = {name for name in contents(wheel) if ".dist-info/" not in name}
        assert names == sources | {f"ocpp_core/schemas/{name}" for name in BUNDLES}

    @pytest.mark.parametrize("package", PACKAGES)
    def test_it_says_that_it_is_typed(self, wheel: Path, package: str) -> None:
        assert f"{package}/py.typed" in contents(wheel)

    @pytest.mark.parametrize("name", BUNDLES)
    def test_it_holds_the_schemas_as_they_are_in_the_tree(self, wheel: Path, name: str) -> None:
        assert contents(wheel)[f"ocpp_core/schemas/{name}"] == (ROOT / "schemas" / name).read_bytes()

    def test_a_browser_needs_the_schema_compiler_alone(self, wheel: Path) -> None:
        required = metadata(wheel).get_all("Requires-Dist", [])
        names = (
            re.split(r"[^\w-]", line)[0]
            for line in required
            if "extra ==" not in line and not line.endswith("; sys_platform != 'emscripten'")
        )
        assert [*names] == ["fastjsonschema"]

    def test_the_source_distribution_builds_the_same_one(self, wheel: Path, tmp_path: Path) -> None:
        archive = build(ROOT, tmp_path / "sdist", "--sdist")
        run(sys.executable, "-m", "tarfile", "-e", archive, tmp_path, cwd=tmp_path)
        again = build(tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path / "wheel", "--wheel")
        assert contents(again) == contents(wheel)

    def test_its_description_has_no_link_that_an_index_cannot_follow(self, wheel: Path) -> None:
        description = an(bytes, metadata(wheel).get_payload(decode=True)).decode()
        assert description.startswith("# OCPP WS IO for Python\n")
        assert re.findall(r"\]\((?!https:|#)[^)]*\)", description) == []


class TestInAnEmptyEnvironment:
    def test_every_package_knows_the_version_of_the_distribution(self, environment: Path, tmp_path: Path) -> None:
        script = (
            "import importlib.metadata, ocpp_apps, ocpp_core, ocpp_transports\n"
            "packages = ocpp_apps, ocpp_core, ocpp_transports\n"
            "print(importlib.metadata.version('ocpp-ws-io'), *(package.__version__ for package in packages))"
        )
        versions = run(environment, "-I", "-c", script, cwd=tmp_path).split()
        assert versions == [ocpp_core.__version__] * 4

    def test_the_packages_come_from_the_wheel(self, environment: Path, tmp_path: Path) -> None:
        script = "import ocpp_core, ocpp_transports; print(ocpp_core.__file__, ocpp_transports.__file__)"
        for name in run(environment, "-I", "-c", script, cwd=tmp_path).split():
            assert Path(name).is_relative_to(environment.parents[1])

    @pytest.mark.parametrize(
        ("protocol", "code"),
        [("ocpp1.6", "FormationViolation"), ("ocpp2.0.1", "FormatViolation"), ("ocpp2.1", "FormatViolation")],
    )
    def test_a_server_and_a_station_run_with_strict_validation(
        self, environment: Path, tmp_path: Path, protocol: str, code: str
    ) -> None:
        """The schemas come from the wheel: a missing bundle, or one that refuses nothing, shows here."""
        script = Path(__file__).with_name("strict_session.py")
        assert run(environment, "-I", script, protocol, cwd=tmp_path).split() == [protocol, code]
