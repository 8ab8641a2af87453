"""The page about a million stations has the tables that the tool computes, and the tool computes right."""

from pathlib import Path

import pytest

from tools.cluster_arithmetic import CONSTANTS, Constants, Fleet, constants_table, table

PAGE = (Path(__file__).parents[2] / "docs/design/cluster-million.md").read_text(encoding="utf-8")
ROUND = Constants(*[10.0] * 11)


@pytest.mark.parametrize(
    ("name", "lines"), [("constants", constants_table(CONSTANTS)), ("arithmetic", table(Fleet(), CONSTANTS))]
)
def test_the_page_has_the_table_that_the_tool_computes(name: str, lines: list[str]) -> None:
    shown = PAGE.split(f"<!-- {name} -->\n")[1].split(f"<!-- end of {name} -->")[0]
    assert shown.strip().splitlines() == lines


@pytest.mark.parametrize(("stations", "buckets"), [(1, 1), (512, 1), (513, 2), (100_000, 256), (1_000_000, 2048)])
def test_a_bucket_has_at_most_512_stations(stations: int, buckets: int) -> None:
    assert Fleet(stations).buckets == buckets


def test_the_arithmetic_by_hand() -> None:
    fleet = Fleet(stations=6_000, nodes=10, lease=30, session=60, calls=60, messages=6, storm=6)
    cells = [line.strip("| ").split(" | ") for line in table(fleet, ROUND)[2:]]
    assert [cells[at][1:] for at in (0, 1, 2, 4, 5, 6)] == [
        ["6,000 stations in 16 buckets", "60 KB", "6 KB"],  # 10 bytes each
        ["1/s", "0.016 % of a core", "0.0016 % of a core"],  # 16 buckets, 10 µs each
        ["100 claims/s", "0.1 % of a core", "0.02 % of a core"],  # 10 µs of Redis; of a node 20 µs, 10 claims/s
        ["100/s", "0.2 % of a core", "not computed"],  # lookup and call
        ["1,000 claims/s", "1 % of a core", "0.2 % of a core"],
        ["6,000 stations", "0.1 s of a core", "not computed"],
    ]
