"""Who may charge, as far as a station knows by itself: the local authorization list and the cache."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from .connector import IdToken

__all__ = ["Authorization", "AuthorizationCache", "LocalList"]

LONGEST_LIST: Final = 1000
"""Entries of the local list."""


class Authorization(NamedTuple):
    """What is known of a token: its status, the group it belongs to, until when it holds."""

    status: str
    group: str | None = None
    expires: datetime | None = None

    @property
    def is_accepted(self) -> bool:
        """True if it may charge."""
        return self.status == "Accepted"

    def at(self, now: datetime) -> "Authorization":
        """Return what it is worth now."""
        return self._replace(status="Expired") if self.expires is not None and self.expires <= now else self


class LocalList:
    """The list that the CSMS sends, with its version; 0 is none."""

    def __init__(self) -> None:
        self.version = 0
        self._entries: dict[IdToken, Authorization] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, token: IdToken) -> Authorization | None:
        """Look a token up."""
        return self._entries.get(folded(token))

    def replace(self, version: int, entries: Iterable[tuple[IdToken, Authorization | None]]) -> bool:
        """Take a full list; False, and nothing changes, if it does not fit or an entry says nothing of its token."""
        given = list(entries)
        if len(given) > LONGEST_LIST or any(about is None for _, about in given):
            return False
        self._entries = {folded(token): about for token, about in given if about is not None}
        self.version = version
        return True

    def update(self, version: int, entries: Iterable[tuple[IdToken, Authorization | None]]) -> bool:
        """Take the differences; an entry without information removes its token. False as for `replace`."""
        updated = dict(self._entries)
        for token, about in entries:
            if about is None:
                updated.pop(folded(token), None)
            else:
                updated[folded(token)] = about
        if len(updated) > LONGEST_LIST:
            return False
        self._entries, self.version = updated, version
        return True


class AuthorizationCache:
    """What the CSMS said of tokens, the most recent ones."""

    _LONGEST: Final = 1000

    def __init__(self) -> None:
        self._entries: dict[IdToken, Authorization] = {}

    def find(self, token: IdToken) -> Authorization | None:
        """Look a token up."""
        return self._entries.get(folded(token))

    def learn(self, token: IdToken, about: Authorization) -> None:
        """Remember, and forget the oldest one if there are too many."""
        self._entries.pop(folded(token), None)
        self._entries[folded(token)] = about
        if len(self._entries) > self._LONGEST:
            del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()


def folded(token: IdToken) -> IdToken:
    """Tokens are the same in every spelling of their letters."""
    return IdToken(token.value.lower(), token.type)
