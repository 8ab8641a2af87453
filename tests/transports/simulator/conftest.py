"""What the tests of the simulated station share."""

import pytest

from tests.transports.simulator.virtual_pace import VirtualPace


@pytest.fixture(autouse=True)
def _closed_paces():
    """End what a test has left running."""
    yield
    while VirtualPace.made:
        VirtualPace.made.pop().close()
