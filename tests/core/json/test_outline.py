"""How deep a JSON text is and how much is in it, told without parsing it."""

import tracemalloc

from ocpp_core._json._outline import has_more_elements, is_deeper
from tests.tables import each

SIZE = 1 << 18  # bytes
PIECE = 3 << 20  # of the list of what stands between the quotes of one piece of a text


class TestDepth:
    @each(
        ("text", "depth"),
        [
            ("", 0),
            ("1", 0),
            ("[]", 1),
            ("{}", 1),
            ('{"a":[1,{}]}', 3),
            ("[[],[[]],[]]", 3),
            ('["[[[["]', 1),
            (r'["\"[[[["]', 1),
            (r'["\\",[[1]],"\\\"]]["]', 3),
            ('["",["[", "]"],"{{"]', 2),
            ("[[[[", 4),
            ("][[[[[", 0),
            ("[]][[[[[", 1),
            ("[[]]][[[[[", 2),
        ],
    )
    def test_counts_brackets_outside_strings(self, text, depth):
        assert [is_deeper(text, levels) for levels in range(6)] == [depth > levels for levels in range(6)]

    @each("filler", ["[]," * 300, '"[",' * 40_000 + "[],", "[[[[]]]]," * 300])
    def test_is_exact_at_the_limit_whatever_surrounds_it(self, filler):
        text = "[" + filler + "[" * 127 + "]" * 127 + "]"
        assert is_deeper(text, 127)
        assert not is_deeper(text, 128)

    def test_is_exact_where_the_brackets_shrink_level_by_level(self):
        text = "[]"
        for _ in range(9):
            text = f"[{text},{text},{text}]"
        assert is_deeper(text, 9)
        assert not is_deeper(text, 10)


class TestElements:
    @each(
        ("text", "elements"),
        [
            ("[1]", 1),
            ("[1,2,3]", 3),
            ('{"a":1,"b":[1,2]}', 4),
            ("[{},[],{}]", 6),
            ('["a,b,[,{"]', 1),
            (r'["\",",1]', 2),
        ],
    )
    def test_are_members_items_and_brackets_outside_strings(self, text, elements):
        assert not has_more_elements(text, elements)
        assert has_more_elements(text, elements - 1)


class TestMemory:
    @each("unit", ["[", "[],", '"[[",', '"', r"\"", '"a",', "{[", "\\"])
    def test_is_a_few_copies_of_the_text(self, unit):
        text = '["",' + unit * (SIZE // len(unit))
        tracemalloc.start()
        try:
            is_deeper(text, 128)
            has_more_elements(text, 1000)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 4 * SIZE + PIECE
