"""Misspellings are loud: names of versions and actions are compared with those there are, before they are used.

Without that, a handler of an action that does not exist is never called, and says so to nobody.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from ocpp_core.action_names import ACTION_NAMES

if TYPE_CHECKING:
    from ocpp_core.validation import SchemaValidator

__all__ = ["Names", "expect_spelled"]

_SIMILAR: Final = 0.75


class Names:
    """The versions and actions that a peer or a server may meet.

    They are the standard ones, and those of `validators`. Which actions a custom subprotocol has that no validator
    is for, is not known: then every action might be one of its own.
    """

    def __init__(self, protocols: Iterable[str], validators: "Iterable[SchemaValidator]") -> None:
        self._actions: dict[str, Collection[str] | None] = dict.fromkeys(protocols)
        self._actions |= ACTION_NAMES
        for validator in validators:
            self._actions[validator.protocol] = {*(self._actions.get(validator.protocol) or ()), *validator.actions}

    def expect(self, version: str | None, action: str | None, *, hint: str = "") -> None:
        """Raise ValueError unless there is such a version (None: any) with such an action (None: any).

        `hint` ends the message about an action that is nowhere.
        """
        if version is not None:
            self._expect_version(version, action)
        if action is None:
            return
        known = self._known_in(version)
        if known is None or action in known:
            return
        elsewhere = [name for name, actions in self._actions.items() if actions and action in actions]
        if elsewhere:
            raise ValueError(f"expected an action of {version}, got one of {' and '.join(elsewhere)}: {action!r}")
        where = "OCPP" if version is None else version
        raise ValueError(f"expected an action of {where}, got {action!r}{_suggestion(action, known)}{hint}")

    def expect_checkable(self, action: str) -> None:
        """Raise ValueError for an action that has no schema anywhere, whatever a custom subprotocol may have."""
        known = {name for actions in self._actions.values() for name in actions or ()}
        if action not in known:
            raise ValueError(
                f"expected an action of OCPP or of a validator, got {action!r}{_suggestion(action, known)}"
            )

    def _expect_version(self, version: str, action: str | None) -> None:
        if version in self._actions:
            return
        if action in self._actions:
            raise ValueError(f"expected a version and then an action, got {version!r} and then {action!r}")
        expected = ", ".join(self._actions)
        raise ValueError(f"expected a version out of {expected}, got {version!r}{_suggestion(version, self._actions)}")

    def _known_in(self, version: str | None) -> Collection[str] | None:
        if version is not None:
            return self._actions[version]
        known: set[str] = set()
        for actions in self._actions.values():
            if actions is None:
                return None
            known.update(actions)
        return known


def expect_spelled(protocols: Iterable[str]) -> None:
    """Raise ValueError for a subprotocol that is spelled nearly as a standard one: `ocpp16`, `OCPP2.0.1`."""
    standard: Mapping[str, str] = {_plain(name): name for name in ACTION_NAMES}
    for protocol in protocols:
        meant = standard.get(_plain(protocol), protocol)
        if meant != protocol:
            raise ValueError(f"expected the subprotocol {meant!r}, got {protocol!r}")


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def _suggestion(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # for mistakes only

    close = get_close_matches(name, known, n=1, cutoff=_SIMILAR)
    return f" (did you mean {close[0]!r}?)" if close else ""
