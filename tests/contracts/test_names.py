"""One meaning a word: no two classes of the three packages have one name."""

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("ocpp_core", "ocpp_transports", "ocpp_apps")

EXCEPTED: Final = {
    "Task": "the runtime's and that of a station's clock mean the same: what was started, and can be cancelled",
}
"""Names that may be used twice, with the reason; five at most."""
OTHERS_CHOSE: Final = (
    *(f"{package}/{name}/" for package in ("ocpp_core", "ocpp_transports/compat") for name in ("v16", "v201", "v21")),
    "ocpp_transports/compat/exceptions.py",
    "ocpp_transports/compat/messages.py",
)
"""Modules with the names of the specification, once in each version, and of the package that compat stands in for."""


def sources() -> list[Path]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in paths if not path.relative_to(ROOT).as_posix().startswith(OTHERS_CHOSE)]


def classes() -> dict[str, list[str]]:
    """The files of each class and exception, by its name. A private one is known in its own file only."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(ROOT)))
    return found


def test_no_two_classes_have_one_name() -> None:
    assert {name: files for name, files in classes().items() if len(files) > 1 and name not in EXCEPTED} == {}


def test_the_exceptions_are_few_and_needed() -> None:
    assert len(EXCEPTED) <= 5
    found = classes()
    assert [name for name in EXCEPTED if len(found[name]) < 2] == []


def test_one_file_is_called_registry() -> None:
    """Other file names may come again where the folder tells the difference; handlers are in a table."""
    files = [str(path.relative_to(ROOT)) for path in sources() if path.stem == "_registry"]
    assert files == ["ocpp_transports/_server/_stations/_registry.py"]
