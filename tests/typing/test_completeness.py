"""Every public symbol of the packages has a type that is written down: no checker has to infer it."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.typing.pyright import pyright

ROOT = Path(__file__).parents[2]
PACKAGES = ("ocpp_core", "ocpp_transports", "ocpp_apps")
ALIKE = ("v201", "v21")
"""Generated like `v16`, and far longer than the rest."""

pytestmark = pytest.mark.timeout(300)


def incomplete(report: dict[str, Any]) -> list[str]:
    """Name the symbols without a complete type, with pyright's reasons: the causes before their consequences."""
    symbols = report["typeCompleteness"]["symbols"]
    assert symbols, report["generalDiagnostics"]
    found = [symbol for symbol in symbols if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]]
    reasons = [f"{symbol['name']}: {reason['message']}" for symbol in found for reason in symbol["diagnostics"]]
    return sorted(reasons, key=lambda reason: "partially unknown" in reason) or [symbol["name"] for symbol in found]


@pytest.mark.complete
@pytest.mark.parametrize("package", PACKAGES)
def test_whole_packages_have_complete_types(package: str) -> None:
    report = pyright("--verifytypes", package, "--ignoreexternal", cwd=ROOT)
    assert incomplete(report) == []
    assert report["typeCompleteness"]["completenessScore"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("package", ["ocpp_core", "ocpp_transports"])
def test_packages_without_repetitive_parts_have_complete_types(package: str, tmp_path: Path) -> None:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(*ALIKE, "__pycache__"))
    assert incomplete(pyright("--verifytypes", package, "--ignoreexternal", cwd=tmp_path)) == []
