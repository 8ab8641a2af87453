"""The text of a file, and changes at positions of its syntax tree."""

import ast
import io
import re
import sys
import tokenize
import warnings
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import assert_never

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
        self._f_strings = dict(_inside_f_strings(self.tree)) if sys.version_info < (3, 12) else {}

    def position(self, line: int, column: int) -> int:
        """Return the index of a character from its line, counted from 1, and its column in bytes of UTF-8."""
        text = self._lines[line - 1]
        return self._starts[line - 1] + len(text.encode()[:column].decode(errors="ignore"))

    def start_of(self, node: ast.AST) -> int:
        """Return the index of a node's first character."""
        return self.position(node.lineno, node.col_offset)  # type: ignore[attr-defined]  # of nodes with a position

    def end_of(self, node: ast.AST) -> int:
        """Return the index after a node's last character."""
        return self.position(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]  # as above

    def place_of(self, node: ast.Name | ast.Attribute | ast.keyword) -> int | None:
        """Return the index of a name, the name of an attribute or that of an argument; None if it is unknown.

        Before Python 3.12 the positions within f-strings are not reliable. There the name is searched.
        """
        name = name_in(node)
        if f_string := self._f_strings.get(id(node)):
            start, end = self.start_of(f_string), self.end_of(f_string)
            found = [match.start() for match in re.finditer(rf"\b{name}\b", self.text[start:end])]
            return start + found[0] if len(found) == 1 else None
        place = self.end_of(node) - len(name) if isinstance(node, ast.Attribute) else self.start_of(node)
        return place if self.text.startswith(name, place) else None

    def rename(self, node: ast.Name | ast.Attribute | ast.keyword, new: str) -> bool:
        """Replace the name in a node, and return True; return False if its place is unknown."""
        place = self.place_of(node)
        return place is not None and self.replace(place, name_in(node), new)

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


def name_in(node: ast.Name | ast.Attribute | ast.keyword) -> str:
    """Return a name, the name of an attribute, or the name of an argument."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.keyword(arg=name):
            return name or ""
        case _:
            assert_never(node)


def _inside_f_strings(tree: ast.AST) -> Iterator[tuple[int, ast.JoinedStr]]:
    """Yield the identity of each node within an f-string, with the outermost f-string around it."""
    todo: list[tuple[ast.AST, ast.JoinedStr | None]] = [(tree, None)]
    while todo:
        node, around = todo.pop()
        if around is not None:
            yield id(node), around
        elif isinstance(node, ast.JoinedStr):
            around = node
        todo += [(child, around) for child in ast.iter_child_nodes(node)]
