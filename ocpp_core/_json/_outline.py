"""The depth and the number of elements of a JSON text, found without parsing it.

Both are checked before a text is parsed, so both must cost less than parsing, whatever a peer writes. They use
whole-text operations in C on the outline of the text, its brackets and commas: a few milliseconds and a few copies per
MiB. For malformed JSON the result may be wrong, but a deep or large text never counts as shallow or small.
"""

from itertools import accumulate, filterfalse
from typing import Final

__all__ = ["has_more_elements", "is_deeper"]

_FOLD: Final = bytes.maketrans(b"{}", b"[]")
_NO_MARKS: Final = bytes(set(range(256)) - set(b'"[]{},'))
_STEPS: Final = bytes.maketrans(b"[]", b"\x01\xff")
_CHUNK: Final = 1 << 16
"""Number of marks to split at once; the pieces take forty times the memory of their text."""


def is_deeper(text: str, levels: int) -> bool:
    """Return True if brackets are nested in more than `levels` levels.

    Counting stops at the first closing bracket without an opening one. No parser reads beyond it, and a MiB of `]`
    would cost more than a MiB of valid text.
    """
    if len(text) <= levels or text.count("[") + text.count("{") <= levels:
        return False
    marks = _outline(text).replace(b",", b"")
    # Nearly all brackets of a typical text enclose no others. Removing the innermost ones reduces the depth by one. If
    # that shortens the text much, it is quicker than counting the brackets one by one.
    while levels and len(flatter := marks.replace(b"[]", b"")) < len(marks) * 7 // 8:
        marks, levels = flatter, levels - 1
    steps = memoryview(marks.translate(_STEPS)).cast("b")
    allowed = frozenset(range(levels + 1))  # quicker than any comparison
    return next(filterfalse(allowed.__contains__, accumulate(steps)), 0) > levels


def has_more_elements(text: str, limit: float) -> bool:
    """Return True if all objects and arrays together have more than `limit` elements.

    Members, items and empty brackets are elements: one for every opening bracket and one for every comma.
    """
    if len(text) <= limit or text.count(",") + text.count("[") + text.count("{") <= limit:
        return False
    marks = _outline(text)
    return marks.count(b",") + marks.count(b"[") > limit


def _outline(text: str) -> bytes:
    """Return the brackets, all as square ones, and the commas that are outside strings."""
    data = text.encode(errors="replace")
    if b"\\" in data:  # a character after an odd number of backslashes is escaped
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = data.translate(_FOLD, _NO_MARKS).replace(b'""', b"")
    return _outside_strings(marks) if b'"' in marks else marks


def _outside_strings(marks: bytes) -> bytes:
    outside = bytearray()
    inside = 0
    for at in range(0, len(marks), _CHUNK):
        pieces = marks[at : at + _CHUNK].split(b'"')
        outside += b"".join(pieces[inside::2])
        inside = (inside + len(pieces) - 1) % 2
    return bytes(outside)
