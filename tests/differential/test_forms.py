"""What is installed for speed changes nothing: 300 random histories with it and without it. `make differential` plays more."""

from tests.differential.comparing import first_difference
from tests.differential.forms import ROOT

HISTORIES = 300


def test_the_packages_of_the_extra_speed_change_nothing() -> None:
    difference = first_difference([f"{ROOT}", f"{ROOT}+bare"], HISTORIES)
    assert difference is None, str(difference)
