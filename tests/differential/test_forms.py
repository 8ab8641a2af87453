"""The forms of the library do the same in random histories: a sample of `make differential`."""

from tests.differential.comparing import first_difference
from tests.differential.forms import ROOT

HISTORIES = 300


def test_the_packages_of_the_extra_speed_change_nothing() -> None:
    difference = first_difference([f"{ROOT}", f"{ROOT}+bare"], HISTORIES)
    assert difference is None, str(difference)
