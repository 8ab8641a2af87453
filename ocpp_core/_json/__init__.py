"""JSON texts: encode, decode, measure before parsing, and find values that cannot be encoded."""

from ._codec import FAST, MAX_DEPTH, STANDARD, default, dumps, loads, loads_with_controls, quote
from ._outline import has_more_elements, is_deeper
from ._unwritable import find_unwritable

__all__ = [
    "FAST",
    "MAX_DEPTH",
    "STANDARD",
    "default",
    "dumps",
    "find_unwritable",
    "has_more_elements",
    "is_deeper",
    "loads",
    "loads_with_controls",
    "quote",
]
