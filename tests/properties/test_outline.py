"""The outline of a JSON text says what parsing it would."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ocpp_core._json._outline import has_more_elements, is_deeper

TEXTS = st.text(st.sampled_from('a"\\[]{},:')) | st.text()
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda children: st.lists(children) | st.dictionaries(TEXTS, children),
)


def depth(value):
    if isinstance(value, (list, dict)):
        return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)
    return 0


def elements(value):
    if isinstance(value, (list, dict)):
        inner = value.values() if isinstance(value, dict) else value
        return max(len(value), 1) + sum(map(elements, inner))
    return 0


@given(VALUES, st.booleans())
def test_depth(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert not is_deeper(text, depth(value))
    assert depth(value) == 0 or is_deeper(text, depth(value) - 1)


@given(VALUES, st.booleans())
def test_elements(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert not has_more_elements(text, elements(value))
    assert elements(value) == 0 or has_more_elements(text, elements(value) - 1)
