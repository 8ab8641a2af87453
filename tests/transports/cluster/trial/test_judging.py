"""The judge of a trial finds what its journals break; `make cluster-trial` writes real ones."""

import pytest

from .judging import judge

GOOD = {
    "a.node": "1.0 believes CP1 5;1.1 call a-1 CP1;1.2 end a-1 answered;2.0 ceases CP1 5 1.9;3.0 settled a;4.0 line",
    "b.node": "2.1 believes CP1 6;3.0 settled b;4.0 line",
    "c.calls": "1.3 call c-1 CP1;1.4 end c-1 answered",
    "s.ran": "1.1 ran a-1 CP1;1.3 ran c-1 CP1",
}


def judged(folder, changes, killed=frozenset()):
    for name, text in (GOOD | changes).items():
        (folder / name).write_text("\n".join(text.split(";")) + "\n")
    return judge(folder, 3.0, set(killed))


def test_a_good_trial_breaks_nothing(tmp_path):
    verdict = judged(tmp_path, {})
    assert verdict.broken == []
    assert (verdict.calls, verdict.ran, verdict.moves) == (2, 2, 1)


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"s.ran": GOOD["s.ran"] + ";1.5 ran a-1 CP1"}, "call a-1 ran 2 times"),
        ({"s.ran": "1.1 ran a-1 CP1;1.3 ran c-1 CP2"}, "call c-1 of CP1 ran at CP2"),
        ({"s.ran": "1.1 ran a-1 CP1"}, "call c-1 was answered, and it did not run"),
        ({"c.calls": "1.3 call c-1 CP1;1.4 end c-1 unsent"}, "call c-1 was unsent, and it ran"),
        ({"c.calls": GOOD["c.calls"] + ";1.5 end c-1 unknown"}, "call c-1 was settled 2 times"),
        ({"c.calls": "1.3 call c-1 CP1"}, "call c-1 has no outcome"),
        ({"c.calls": ";".join(f"1.3 call c-{n} CP1;1.4 end c-{n} unknown" for n in range(9))}, "most calls were not"),
        (
            {"a.node": "1.0 believes CP1 5;9.0 settled a;9.5 line", "b.node": "2.0 believes CP1 6;9.5 line"},
            "two nodes believed in a station for 7.5 s",
        ),
        ({"b.node": "2.1 believes CP2 6;3.0 settled b;4.0 line"}, "0 nodes believe in CP1 in the end"),
        ({"b.node": "3.0 settled b"}, "no station moved"),
    ],
)
def test_a_rule_that_is_broken_is_found(tmp_path, changes, broken):
    assert any(each.startswith(broken) for each in judged(tmp_path, changes).broken)


def test_calls_of_a_killed_process_need_no_outcome(tmp_path):
    changes = {"d.node": "1.3 call d-1 CP1", "s.ran": GOOD["s.ran"] + ";1.4 ran d-1 CP1"}
    assert judged(tmp_path, changes).broken == ["call d-1 has no outcome"]
    assert judged(tmp_path, changes, {"d"}).broken == []
