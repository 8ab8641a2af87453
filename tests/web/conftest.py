"""One browser for all tests of the page, and one page that has been loaded."""

from collections.abc import Iterator

import pytest

from tests.browser.requirements import require
from tests.web.bench import Bench, User, running, sitting

_EXPECTED = ("WebSocket connection to", "Connecting to 'ws://")
"""What the browser itself writes to the console where a connection fails or is forbidden."""


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    require("chromium")
    with running(tmp_path_factory.mktemp("page")) as bench:
        yield bench


@pytest.fixture(scope="session")
def seated(bench: Bench) -> Iterator[User]:
    with sitting(bench) as user:
        yield user


@pytest.fixture
def user(seated: User) -> Iterator[User]:
    """A person before the page, which is not connected and shows its messages; nothing may go wrong unseen."""
    seated.tab.complaints.clear()
    seated.leave()
    seated.tab.click("#tab-messages")
    for name, value in {"filter": "", "show": "all"}.items():
        seated.fill(name, value)
    if seated.tab.look("document.querySelector('#pause').ariaPressed") == "true":
        seated.tab.click("#pause")
    yield seated
    assert [text for text in seated.tab.complaints if not text.startswith(_EXPECTED)] == []
