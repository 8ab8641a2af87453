"""Real browsers: each opens the page of the cases once a session, and every case is a test."""

import os
from pathlib import Path

import pytest

from tests.browser.requirements import require
from tests.browser.run import Run, run_cases
from tools.web.distribution import build_wheel, kept_wheel

BROWSERS = os.environ.get("BROWSERS", "chromium").split()
"""Which to run the cases in."""


@pytest.fixture(scope="session", params=BROWSERS)
def browser(request: pytest.FixtureRequest) -> str:
    """Name a browser that is installed."""
    name: str = request.param
    require(name)
    return name


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Build our wheel, and add the one that it depends on in a browser."""
    kept = kept_wheel("fastjsonschema")
    assert kept is not None
    return [build_wheel(tmp_path_factory.mktemp("wheel")), kept]


@pytest.fixture(scope="session")
def run(
    browser: str, wheels: list[Path], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Run the cases that were selected in one page of this browser."""
    chosen = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    cases = [params["case"] for params in chosen if params.get("browser") == browser and "case" in params]
    return run_cases(browser, cases, wheels, tmp_path_factory.mktemp(browser))
