"""The station can be imported where there are no sockets, threads and third-party event loops."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "ocpp_apps" / "station"
OF_THE_COMMAND_LINE = {"__main__.py", "anyio_clock.py"}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in OF_THE_COMMAND_LINE)
UNWANTED = {"anyio", "asyncio", "h11", "selectors", "socket", "ssl", "threading", "trio", "wsproto"}


def imported(path):
    """The top-level modules that a file names, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def loaded_by(statement):
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in done.stdout.split()}


def test_nothing_of_an_operating_system_is_loaded():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES if path.name != "asyncio_clock.py"
    ]
    statement = "import " + ", ".join(name.removesuffix(".__init__") for name in names)
    assert loaded_by(statement).isdisjoint(UNWANTED)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_names_the_standard_library_and_ours_alone(path):
    allowed = sys.stdlib_module_names | {"ocpp_apps", "ocpp_core", "ocpp_transports"}
    names = set(imported(path))
    assert names <= allowed
    assert names.isdisjoint(UNWANTED - {"asyncio"})
    assert ("asyncio" in names) is (path.name == "asyncio_clock.py")
