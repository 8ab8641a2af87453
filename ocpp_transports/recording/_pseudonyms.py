"""Pseudonyms: other characters of the same kinds in the place of a secret."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from string import digits
from typing import Final

__all__ = ["STAR", "Pseudonyms"]

STAR: Final = "*"
_CLASSES: Final = (digits, "abcdef", "ghijklmnopqrstuvwxyz", "ABCDEF", "GHIJKLMNOPQRSTUVWXYZ")
"""The letters of hexadecimal numbers are kinds of their own, so that a number stays one."""
_CLASS_OF: Final = {letter: kind for kind in _CLASSES for letter in kind}
_WIDE: Final[Sequence[str]] = ("", "", "é", "€", "\N{GRINNING FACE}")
"""What replaces a character of so many bytes of UTF-8."""
_LEAST: Final = 6
"""Characters of a secret that is replaced also where nothing names it."""
_MOST: Final = 1000
"""Secrets of a recording that are."""
_MARK: Final = re.compile(r"\d")
_PIECE: Final = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|.", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")


class Pseudonyms:
    """Pseudonyms of one recording: equal secrets have equal ones, and no other recording has the same.

    Digits and letters become others of their kind, further characters that are no ASCII become one of the same size.
    Punctuation stays, so that times, UUIDs and MAC addresses keep their form.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, None] = {}
        self._search: re.Pattern[str] | None = None

    def of(self, secret: str) -> str:
        """Return the pseudonym of a text, with as many bytes of UTF-8."""
        self._note(secret)
        return self._made(secret)

    def _made(self, secret: str) -> str:
        random = self._random(secret)
        return "".join(_other(letter, random) for letter in secret)

    def _note(self, secret: str) -> None:
        """Remember a secret, unless it may be a word of the protocol."""
        if len(secret) >= _LEAST and len(self._known) < _MOST and secret not in self._known and _MARK.search(secret):
            self._known[secret] = None
            self._search = None

    def within(self, text: str) -> str:
        """Return a text in which the known secrets are replaced."""
        if not self._known:
            return text
        if self._search is None:
            self._search = re.compile("|".join(map(re.escape, sorted(self._known, key=len, reverse=True))))
        return self._search.sub(lambda found: self._made(found[0]), text)

    def of_json(self, token: str) -> str:
        """Return the pseudonym of the inside of a JSON string, whose escapes keep their length."""
        self._note(token)
        random = self._random(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), token))
        return _PIECE.sub(lambda found: _piece(found[0], random), token)

    def of_number(self, number: str) -> str:
        """Return the pseudonym of a JSON number; its first digits stay valid ones."""
        random = self._random(number)
        return re.sub(r"[1-9]", lambda found: random.choice(digits[1:].replace(found[0], "")), number)

    def _random(self, secret: str) -> Random:
        return Random(blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest())


def _other(letter: str, random: Random) -> str:
    kind = _CLASS_OF.get(letter)
    if kind is not None:
        return random.choice(kind.replace(letter, ""))
    return letter if letter.isascii() or "\ud800" <= letter <= "\udfff" else _WIDE[len(letter.encode())]


def _piece(piece: str, random: Random) -> str:
    if len(piece) == 6:
        return r"\u00e9"
    return piece if len(piece) == 2 else _other(piece, random)
