"""The browser client in real browsers: each test is one case of `cases/`, run in a page."""

import pytest

from tests.browser.case_files import CASES, Case
from tests.browser.run import Run

pytestmark = pytest.mark.timeout(600)  # the first one waits for the run of all cases, which ends earlier if it hangs


@pytest.mark.parametrize("case", CASES, ids=str)
def test_in(case: Case, run: Run, request: pytest.FixtureRequest) -> None:
    result = run.result(case)
    request.node.user_properties.append(("seconds in the page", result.seconds))
    problem = result.verdict(case)
    assert problem is None, problem


def test_the_page_complains_about_nothing_else(run: Run) -> None:
    assert run.leftovers() == []
