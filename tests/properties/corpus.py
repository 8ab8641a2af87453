"""Broken frames of the field, and how to make more mistakes of them."""

from hypothesis import strategies as st

from tests.broken_frames import CORPUS

_PIECES = st.sampled_from(
    ["", '"', "\\", "[", "]", "{", "}", ",", ":", "null", "0", "-", "1e400", "NaN", "\\ud800", "\x00", "id-1", '"id-2"']
) | st.text(max_size=3)


@st.composite
def _mutation(draw: st.DrawFn, text: str) -> str:
    """Cut a piece out of a text, and put one in: a character, what was cut, or a piece of another frame."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 12)))
    cut = text[start:end]
    put = draw(st.one_of(_PIECES, st.just(cut * 2), st.sampled_from(CORPUS)))
    return text[:start] + put + text[end:]


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """Draw a frame of the corpus, as it is or changed in up to four places."""
    text: str = draw(st.sampled_from(CORPUS))
    for _ in range(draw(st.integers(0, 4))):
        text = draw(_mutation(text))
    return text
