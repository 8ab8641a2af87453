"""The forms of the library do the same in random histories: a sample of `make differential`."""

from unittest import mock

from ocpp_core.errors import OCPPError
from tests.differential.comparing import Difference, first_difference
from tests.differential.forms import ROOT
from tests.differential.histories.all_kinds import play
from tests.differential.transcript import Transcript


def lines_of(seed: int) -> list[str]:
    transcript = Transcript(keeps=True)
    play(seed, transcript)
    return transcript.lines


def test_the_packages_of_the_extra_speed_change_nothing() -> None:
    difference = first_difference([f"{ROOT}", f"{ROOT}+bare"], histories=300)
    assert difference is None, str(difference)


def test_a_history_repeats_itself() -> None:
    assert [lines_of(seed) for seed in range(10)] == [lines_of(seed) for seed in range(10)]


def test_a_change_of_a_text_is_seen_and_shown() -> None:
    right = {seed: lines_of(seed) for seed in range(10)}
    with mock.patch.object(OCPPError, "__str__", return_value="another text"):
        changed = {seed: lines_of(seed) for seed in right}
    seed = next(seed for seed in right if right[seed] != changed[seed])
    shown = str(Difference(seed, ("one", "other"), (right[seed], changed[seed])))
    assert shown.startswith(f"history {seed} differs at line ")
    assert "another text" in shown.partition("--- other")[2]
    assert f"python -m tests.differential --first {seed} --show other" in shown
