"""Fixtures of the transport tests."""

import pytest

from tests.transports.station import Station


@pytest.fixture
def make_station():
    """Make stations on fake hosts; what still runs when the test ends is closed."""
    made = []

    def make(**options):
        made.append(Station(**options))
        return made[-1]

    yield make
    for station in made:
        station.host.finish()


@pytest.fixture
def station(make_station):
    return make_station()
