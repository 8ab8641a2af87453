"""Repairs of texts: strings stay as they are, and every repair takes linear time."""

from ocpp_core.tolerance.texts import REPAIRS
from tests.tables import each


@each(
    ("name", "text", "repaired"),
    [
        ("drop_commas", "[,1,,2,]", "[1,2]"),
        ("drop_commas", '{,"a":1 , }', '{"a":1  }'),
        ("drop_commas", '["[,",",,"]', '["[,",",,"]'),
        ("drop_commas", "[1,2]", "[1,2]"),
        ("fill_values", '{"a":,"b": }', '{"a":null,"b": null}'),
        ("fill_values", '{"a":":,"}', '{"a":":,"}'),
        ("close_brackets", '[3,"a",{"k":[]', '[3,"a",{"k":[]}]'),
        ("close_brackets", '{"a":[1}', '{"a":[1]}'),
        ("close_brackets", "[1]]", "[1]]"),
        ("close_brackets", '[3,"a', '[3,"a'),
        ("close_brackets", '["]",{', '["]",{}]'),
        ("close_brackets", "[" * 1000, "[" * 1000),
        ("close_brackets", "", ""),
        ("drop_commas", '[1,,"a,,', '[1,"a,,'),
        ("close_brackets", '{"a":"b\\"', '{"a":"b\\"'),
        *((name, '"\\' * 32_768, '"\\' * 32_768) for name in REPAIRS),  # must take linear time
    ],
)
def test_a_repair(name: str, text: str, repaired: str) -> None:
    assert REPAIRS[name](text) == repaired
