"""The compiled form: what it consists of, and a sample of the tests that `make test-fast` runs on it."""

import ast
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import ocpp_core
from ocpp_core._compiled import _HOT
from tests.differential.comparing import first_difference
from tools.fast import suite
from tools.fast.copies import adapt, path_of
from tools.fast.modules import COMPILED, UNCHECKED

ROOT = Path(__file__).parents[2]
SAMPLE = (
    "tests/core/inbound",
    "tests/core/outbound",
    "tests/core/test_messages.py",
    "tests/core/test_session.py",
    "tests/core/test_session_close.py",
    "tests/core/test_timers.py",
    "tests/link",
    "tests/stack",
    "tests/contracts/test_golden_tables.py",
)


def obstacle() -> str | None:
    """Return why nothing can be compiled here."""
    compiler = str(sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if ocpp_core.compiled:
        return "all tests run on the compiled form"
    if find_spec("mypyc") is None:
        return "mypyc is not installed"
    if shutil.which(compiler) is None:
        return f"there is no C compiler {compiler}"
    return None if headers.is_file() else f"Python has no headers: {headers} is missing"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the compiled modules of the engine, made without optimization."""
    if reason := obstacle():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("compiled")
    command = (sys.executable, "-m", "tools.fast", folder, "--optimization", "0", "--package", "ocpp_core.")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    suite.make_tree_of(folder / "tree", folder / "lib")
    return folder / "tree"


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestASample:
    def test_of_the_tests_passes(self, tree: Path) -> None:
        assert suite.run(Path(sys.executable), tree, ["-q", "-p", "no:xdist", "-p", "no:cacheprovider", *SAMPLE]) == 0

    def test_of_random_histories_is_the_same(self, tree: Path) -> None:
        difference = first_difference([str(ROOT), str(tree)], histories=1000)
        assert difference is None, str(difference)


class TestTheModules:
    @pytest.mark.parametrize("name", [*COMPILED, *UNCHECKED])
    def test_are_there(self, name: str) -> None:
        assert (ROOT / path_of(name)).is_file()

    def test_that_the_flag_looks_at_are_among_the_compiled_ones(self) -> None:
        assert {f"ocpp_core.{path.replace('/', '.')}" for path in _HOT} <= set(COMPILED)

    def test_are_what_the_flag_says(self) -> None:
        files = {Path(str(import_module(name).__file__)).suffix for name in COMPILED}
        assert files == {".so" if ocpp_core.compiled else ".py"}

    @pytest.mark.parametrize("name", COMPILED)
    def test_have_no_function_that_calls_itself(self, name: str) -> None:
        """Compiled functions recurse without a limit: what a peer nests deeply would end the process."""
        module = ast.parse((ROOT / path_of(name)).read_text(encoding="utf-8"))
        assert {each for each in calls(module) if each in reachable(calls(module), each)} == set()

    def test_annotate_no_attribute_that_a_base_has(self) -> None:
        """mypyc would show it twice to the garbage collector, which then loses count: objects leak, or vanish."""
        nodes = [node for name in COMPILED for node in ast.parse((ROOT / path_of(name)).read_text()).body]
        classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
        again = {name: annotated(node) & inherited(node, classes) for name, node in classes.items()}
        assert {name: attributes for name, attributes in again.items() if attributes} == {}


def inherited(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> set[str]:
    """Return the annotated attributes of the bases of a class."""
    bases = [classes[name] for base in node.bases if (name := ast.unparse(base).partition("[")[0]) in classes]
    return {name for base in bases for name in annotated(base) | inherited(base, classes)}


def annotated(node: ast.ClassDef) -> set[str]:
    """Return the attributes that a class annotates, in its body or where a method sets them."""
    own = {
        each.target.id
        for each in node.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and not ast.unparse(each.annotation).startswith("ClassVar")
    }
    places = (each.target for each in ast.walk(node) if isinstance(each, ast.AnnAssign))
    return own | {place.attr for place in places if isinstance(place, ast.Attribute)}


def calls(module: ast.Module) -> dict[str, set[str]]:
    """Return the functions and methods of a module, each with those of its own that run within it."""
    owned = dict(functions(module))
    within = {name: {*names_called(each, name.rpartition(".")[0])} & owned.keys() for name, each in owned.items()}
    tasks = {name for name, each in owned.items() if isinstance(each, ast.AsyncFunctionDef)}
    return {name: called if name in tasks else called - tasks for name, called in within.items()}


def functions(module: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for node in module.body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        owner = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for each in members:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                yield owner + each.name, each


def names_called(function: ast.AST, owner: str) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id=name)):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)):
                yield f"{owner}.{name}"


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [*graph[start]]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += graph[name]
    return found


class TestACopy:
    @pytest.mark.parametrize("name", COMPILED)
    def test_has_every_line_in_its_place(self, name: str) -> None:
        source = (ROOT / path_of(name)).read_text(encoding="utf-8")
        adapted = adapt(source, is_compiled=True, is_unchecked=name in UNCHECKED)
        assert [*statements(adapted)] == [*statements(source)]

    def test_of_numbers_takes_integers_as_they_are(self) -> None:
        source = '"""Numbers."""\n\ndef f(limit: float, *, of: "list[int] | None" = None) -> float: ...\n'
        adapted = adapt(source, is_compiled=True, is_unchecked=False)
        assert adapted == source.replace("float", "int | float")

    def test_of_inputs_takes_values_of_any_type(self) -> None:
        source = '"""Inputs."""\n\n@dataclass(slots=True)\nclass Input:\n    number: int = 0\n'
        assert "number: Any = 0" in adapt(source, is_compiled=False, is_unchecked=True)


def statements(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of all functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ((each.lineno, node.name) for each in [node, *node.body])
