"""Checks names of versions and actions when they are registered, so that a misspelling raises.

Without this check, a handler of a misspelled action would never be called, without any error.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from ocpp_core.action_names import ACTION_NAMES

if TYPE_CHECKING:
    from ocpp_core.tolerance.profiles import QuirkProfile
    from ocpp_core.validation import SchemaValidator

__all__ = ["Names", "expect_spelled"]

_SIMILAR: Final = 0.75


class Names:
    """The versions and actions that a peer or a server may use.

    They are the standard ones, and those of `validators`. The actions of a custom subprotocol without a validator are
    unknown, so every action may belong to it.
    """

    def __init__(self, protocols: Iterable[str], validators: "Iterable[SchemaValidator]") -> None:
        self._actions: dict[str, Collection[str] | None] = dict.fromkeys(protocols)
        self._actions |= ACTION_NAMES
        for validator in validators:
            self._actions[validator.protocol] = {*(self._actions.get(validator.protocol) or ()), *validator.actions}

    def expect(self, version: str | None, action: str | None, *, hint: str = "") -> None:
        """Raise ValueError unless this version (None: any) exists and has this action (None: any).

        `hint` is appended to the message about an action that no version has.
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
        """Raise ValueError for an action that no schema covers, even if a custom subprotocol might have it."""
        known = {name for actions in self._actions.values() for name in actions or ()}
        if action not in known:
            raise ValueError(
                f"expected an action of OCPP or of a validator, got {action!r}{_suggestion(action, known)}"
            )

    def expect_profile(self, profile: "QuirkProfile") -> None:
        """Raise ValueError for a profile that names an action without a schema or an unknown subprotocol."""
        try:
            for quirk in profile.quirks:
                if quirk.action != "*":
                    self.expect_checkable(quirk.action)
            if profile.default_protocol is not None:
                self.expect(profile.default_protocol, None)
        except ValueError as error:
            raise ValueError(f"profile {profile.name!r}: {error}") from None
        if not any(profile.match.covers_protocol(name) for name in self._actions):
            expected = f"expected match.protocol for one of {', '.join(self._actions)}"
            raise ValueError(f"profile {profile.name!r}: {expected}, got {profile.match.protocol!r}")

    def _expect_version(self, version: str, action: str | None) -> None:
        if version in self._actions:
            return
        if action in self._actions:
            raise ValueError(f"expected a version and then an action, got {version!r} and then {action!r}")
        expected = ", ".join(self._actions)
        raise ValueError(f"expected a version, one of {expected}, got {version!r}{_suggestion(version, self._actions)}")

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
    """Raise ValueError for a subprotocol spelled almost like a standard one: `ocpp16`, `OCPP2.0.1`."""
    standard: Mapping[str, str] = {_plain(name): name for name in ACTION_NAMES}
    for protocol in protocols:
        meant = standard.get(_plain(protocol), protocol)
        if meant != protocol:
            raise ValueError(f"expected the subprotocol {meant!r}, got {protocol!r}")


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def _suggestion(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # loaded only after a mistake

    close = get_close_matches(name, known, n=1, cutoff=_SIMILAR)
    return f" (did you mean {close[0]!r}?)" if close else ""
