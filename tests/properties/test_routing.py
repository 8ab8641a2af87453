"""The tree of routes finds what a search through all patterns would find."""

from hypothesis import given
from hypothesis import strategies as st

from ocpp_core.admission.routing.routes import RoutePattern, RouteTree
from ocpp_core.inputs import Reject


def specificity(pattern):
    """Return the order of precedence of a pattern: from left to right, fixed text, a name, a tail."""
    kinds = [0 if text is not None else 1 for text in pattern.segments]
    return [*kinds, 2] if pattern.has_tail else kinds


def fits(pattern, segments):
    """Compare a pattern with a path without regard to other patterns."""
    count = len(pattern.segments)
    if not (len(segments) > count if pattern.has_tail else len(segments) == count):
        return False
    return all(text in (None, segment) for text, segment in zip(pattern.segments, segments, strict=False))


SEGMENTS = st.sampled_from(["a", "b", "c"])
SHAPES = st.lists(st.sampled_from(["a", "b", "{x}", "{y}", "{z}"]), max_size=4)


def text_of(parts, *, tail):
    named = [f"{{n{at}}}" if part.startswith("{") else part for at, part in enumerate(parts)]
    return "/" + "/".join([*named, "{tail:*}"] if tail else named)


@given(st.sets(st.builds(lambda parts, tail: text_of(parts, tail=tail), SHAPES, st.booleans())), st.lists(SEGMENTS))
def test_the_tree_finds_what_a_search_through_all_patterns_finds(texts, segments):
    patterns = [RoutePattern.read(text) for text in texts]
    tree = RouteTree((pattern, pattern) for pattern in patterns)
    found = tree.match("/" + "/".join(segments))
    fitting = sorted((pattern for pattern in patterns if fits(pattern, segments)), key=specificity)
    assert (None if isinstance(found, Reject) else found.value) == (fitting[0] if fitting else None)
