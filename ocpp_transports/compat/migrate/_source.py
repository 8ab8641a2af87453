"""The text of a file, and changes at positions of its syntax tree."""

import ast
import io
import re
import tokenize
import warnings
from codecs import BOM_UTF8
from dataclasses import dataclass
from itertools import accumulate

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A replacement of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


class Source:
    """A file's text and syntax tree, and what is to change in it.

    Raises SyntaxError, UnicodeDecodeError or ValueError if the bytes are not a Python program.
    """

    def __init__(self, content: bytes) -> None:
        self._encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        self._bom = BOM_UTF8 if content.startswith(BOM_UTF8) else b""
        self.text = content.removeprefix(self._bom).decode(self._encoding.removesuffix("-sig"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escape sequences, which stay as they are
            self.tree = ast.parse(self.text)
        lines = _LINE_END.split(self.text)
        ends = [len(end) for end in _LINE_END.findall(self.text)]
        self._lines = lines
        self._starts = [0, *accumulate(len(line) + end for line, end in zip(lines, ends, strict=False))]
        self._edits: set[Edit] = set()

    def position(self, line: int, column: int) -> int:
        """Return the index of a character from its line, counted from 1, and its column in bytes of UTF-8."""
        text = self._lines[line - 1]
        return self._starts[line - 1] + len(text.encode()[:column].decode())

    def start_of(self, node: ast.AST) -> int:
        """Return the index of a node's first character."""
        return self.position(node.lineno, node.col_offset)  # type: ignore[attr-defined]  # of nodes with a position

    def end_of(self, node: ast.AST) -> int:
        """Return the index after a node's last character."""
        return self.position(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]  # as above

    def replace(self, start: int, old: str, new: str) -> bool:
        """Replace `old` at an index, and return True; return False if something else is there."""
        if not self.text.startswith(old, start):
            return False
        self._edits.add(Edit(start, start + len(old), new))
        return True

    def changed(self) -> bytes:
        """Return the content with the changes."""
        text = self.text
        for edit in sorted(self._edits, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return self._bom + text.encode(self._encoding.removesuffix("-sig"))
