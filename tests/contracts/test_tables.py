"""That a folded table tells of every row that fails, since its test is the only one that would."""

from collections.abc import Callable

import pytest

from tests.tables import each


@each("number", [1, 2, 3])
@each("letter, word", [("a", "A"), ("b", "B")])
def of_both(number: int, letter: str, word: str, seen: list[tuple[int, str, str]]) -> None:
    seen.append((number, letter, word))


def test_tables_are_multiplied() -> None:
    seen: list[tuple[int, str, str]] = []
    of_both(seen=seen)
    assert seen == [(number, *row) for number in (1, 2, 3) for row in (("a", "A"), ("b", "B"))]


@pytest.mark.parametrize("fail", [lambda: pytest.fail("no"), lambda: 1 / 0])
def test_every_row_that_fails_is_named_whatever_fails(fail: Callable[[], object]) -> None:
    @each("number", [1, 2, 10**5000 + 1])
    def odd(number: int) -> None:
        if number % 2:
            fail()

    with pytest.raises(BaseExceptionGroup, match="2 of 3 rows fail") as failed:
        odd()
    assert [failure.__notes__ for failure in failed.value.exceptions] == [["in row 0: 1"], ["in row 2: int"]]


def test_what_ends_the_run_is_no_failure_of_a_row() -> None:
    @each("number", [1])
    def interrupted(number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


@pytest.mark.parametrize(("names", "rows"), [("a", []), ("a, b", [(1,)]), ("a", [1]), (("a", "b"), [(1, 2, 3)])])
def test_a_table_that_does_not_fit_raises(names: str, rows: list[object]) -> None:
    with pytest.raises(ValueError, match="expected "):
        each(names, rows)(lambda other: None)
