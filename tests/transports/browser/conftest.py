"""The fake page that a client of the browser runs in."""

import pytest

from tests.transports.fake_page import Browser


@pytest.fixture
def page(monkeypatch):
    browser = Browser(monkeypatch)
    yield browser
    browser.runtime.finish()
