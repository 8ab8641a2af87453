"""The outline of a JSON text, its brackets and commas, read without parsing it: how deep it is, how much is in it.

Both are asked before a text is parsed, so both have to cost less than parsing, whatever a peer writes: whole-text
operations in C, a few milliseconds and a few copies a MiB. Of a text that is no JSON the answers may be wrong, but
nothing deep or large is ever taken for shallow or small.
"""

from itertools import accumulate, filterfalse
from typing import Final

__all__ = ["has_more_elements", "is_deeper"]

_FOLD: Final = bytes.maketrans(b"{}", b"[]")
_NO_MARKS: Final = bytes(set(range(256)) - set(b'"[]{},'))
_STEPS: Final = bytes.maketrans(b"[]", b"\x01\xff")
_CHUNK: Final = 1 << 16
"""Marks that are split into pieces at a time: a piece takes forty times the memory of its text."""


def is_deeper(text: str, levels: int) -> bool:
    """Whether brackets are nested in more than `levels` levels, before the first one that closes nothing.

    No parser reads on behind that, so that neither is counted: a MiB of `]` costs more than a MiB of valid text.
    """
    if len(text) <= levels or text.count("[") + text.count("{") <= levels:
        return False
    marks = _outline(text).replace(b",", b"")
    # Nearly all brackets of a usual text enclose no others. Without the innermost ones it is one level less deep; where
    # that shortens it much, it is quicker than counting through them one by one.
    while levels and len(flatter := marks.replace(b"[]", b"")) < len(marks) * 7 // 8:
        marks, levels = flatter, levels - 1
    steps = memoryview(marks.translate(_STEPS)).cast("b")
    allowed = frozenset(range(levels + 1))  # quicker than any comparison
    return next(filterfalse(allowed.__contains__, accumulate(steps)), 0) > levels


def has_more_elements(text: str, limit: float) -> bool:
    """Whether there are more than `limit` members, items and empty brackets in all objects and arrays together.

    That is one for every bracket that opens and one for every comma.
    """
    if len(text) <= limit or text.count(",") + text.count("[") + text.count("{") <= limit:
        return False
    marks = _outline(text)
    return marks.count(b",") + marks.count(b"[") > limit


def _outline(text: str) -> bytes:
    """Keep brackets, all of one kind, and commas, but none of those inside strings."""
    data = text.encode(errors="replace")
    if b"\\" in data:  # what stands behind an odd number of backslashes is escaped
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
