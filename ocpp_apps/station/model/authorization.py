"""The local authorization list and the authorization cache."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from .connector import IdToken

__all__ = ["Authorization", "AuthorizationCache", "LocalList"]

LONGEST_LIST: Final = 1000
"""Entries of the local list."""


class Authorization(NamedTuple):
    """The status, the group and the expiry of an ID token."""

    status: str
    group: str | None = None
    expires: datetime | None = None

    @property
    def is_accepted(self) -> bool:
        """True if the token may charge."""
        return self.status == "Accepted"

    def at(self, now: datetime) -> "Authorization":
        """Return the information with the status that applies now."""
        return self._replace(status="Expired") if self.expires is not None and self.expires <= now else self


class LocalList:
    """The list that the CSMS sends, with its version. Version 0 means that there is no list."""

    def __init__(self) -> None:
        self.version: int = 0
        self._entries: dict[IdToken, Authorization] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, token: IdToken) -> Authorization | None:
        """Return the information of a token, or None if it is unknown."""
        return self._entries.get(folded(token))

    def replace(self, version: int, entries: Iterable[tuple[IdToken, Authorization | None]]) -> bool:
        """Replace the list. Returns False and changes nothing if it is too long or an entry lacks information."""
        given = list(entries)
        if len(given) > LONGEST_LIST or any(about is None for _, about in given):
            return False
        self._entries = {folded(token): about for token, about in given if about is not None}
        self.version = version
        return True

    def update(self, version: int, entries: Iterable[tuple[IdToken, Authorization | None]]) -> bool:
        """Apply differences. An entry without information removes its token. Returns False like `replace`."""
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
    """The latest information from the CSMS about tokens."""

    _LONGEST: Final = 1000

    def __init__(self) -> None:
        self._entries: dict[IdToken, Authorization] = {}

    def find(self, token: IdToken) -> Authorization | None:
        """Return the information of a token, or None if it is unknown."""
        return self._entries.get(folded(token))

    def learn(self, token: IdToken, about: Authorization) -> None:
        """Store information about a token. If the cache is full, drop the oldest entry."""
        self._entries.pop(folded(token), None)
        self._entries[folded(token)] = about
        if len(self._entries) > self._LONGEST:
            del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()


def folded(token: IdToken) -> IdToken:
    """Return the key of a token, which ignores case."""
    return IdToken(token.value.lower(), token.type)
