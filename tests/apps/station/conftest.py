"""What the tests of the simulated station share."""

import pytest

from tests.apps.station.virtual_clock import VirtualClock


@pytest.fixture(autouse=True)
def _closed_clocks():
    """End what a test has left running."""
    yield
    while VirtualClock.made:
        VirtualClock.made.pop().close()
