"""JSON texts: values to text and back, what is in a text before it is parsed, what cannot be written."""

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
