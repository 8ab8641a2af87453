"""Texts that a peer may have written, made safe for a terminal and a line of a log."""

from typing import Final

__all__ = ["printable"]

_LONGEST: Final = 300
"""Characters that are shown."""


def printable(text: str, longest: int = _LONGEST) -> str:
    """Cut long text, and escape control characters and line breaks: a peer may have written it."""
    short = text if len(text) <= longest else f"{text[: longest - 3]}..."
    if short.isprintable():
        return short
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in short)
