"""That every `match` names all it may meet: mypy proves it complete, because the rest goes to `assert_never`."""

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ocpp_core", "ocpp_transports", "ocpp_apps")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def matches(source: str) -> Iterator[ast.Match]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Match))


def is_closed(match: ast.Match) -> bool:
    """Whether a case names a class of ours: then the subject is one of a union, not any text, object or syntax tree."""
    classes = (node.cls for case in match.cases for node in ast.walk(case.pattern) if isinstance(node, ast.MatchClass))
    names = [ast.unparse(cls) for cls in classes]
    return any(not hasattr(builtins, name) and not name.startswith("ast.") for name in names)


def offence(match: ast.Match) -> str | None:
    """Return what is wrong with the last case, None if nothing is."""
    last = match.cases[-1]
    if not isinstance(last.pattern, ast.MatchAs) or last.pattern.pattern is not None or last.guard is not None:
        return "expected a last case for everything else: `case _:`"
    subject = last.pattern.name or ast.unparse(match.subject)
    if is_closed(match) and [ast.unparse(line) for line in last.body] != [f"assert_never({subject})"]:
        return f"expected `assert_never({subject})` in the last case, for mypy to prove that nothing is left"
    return None


@pytest.mark.parametrize(
    ("cases", "is_right"),
    [
        ("case Tick():\n  pass\n case _:\n  assert_never(event)", True),
        ("case Tick():\n  pass\n case never:\n  assert_never(never)", True),
        ("case 'text':\n  pass\n case _:\n  pass", True),
        ("case str():\n  pass\n case other:\n  print(other)", True),
        ("case ast.Name():\n  pass\n case _:\n  pass", True),
        ("case Tick():\n  pass", False),
        ("case Tick():\n  pass\n case _:\n  self.do(event)", False),
        ("case (Tick(), 1):\n  pass\n case _:\n  raise ValueError", False),
        ("case Tick():\n  pass\n case _ if late:\n  assert_never(event)", False),
        ("case 'text':\n  pass", False),
    ],
)
def test_the_rule_tells_right_from_wrong(cases: str, is_right: bool) -> None:
    [match] = matches(f"match event:\n {cases}\n")
    assert (offence(match) is None) is is_right


def test_every_match_is_complete() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{match.lineno} {wrong}"
        for path in SOURCES
        for match in matches(path.read_text(encoding="utf-8"))
        if (wrong := offence(match)) is not None
    ]
    assert found == []
