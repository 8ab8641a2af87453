"""What the tests of the simulated station share."""

import pytest

from tests.apps.station.virtual_clock import VirtualPace


@pytest.fixture(autouse=True)
def _closed_paces():
    """End what a test has left running."""
    yield
    while VirtualPace.made:
        VirtualPace.made.pop().close()
