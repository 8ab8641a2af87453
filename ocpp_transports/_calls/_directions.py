"""Refuses calls and handlers of actions that go the other way, which would never succeed or never run."""

from collections.abc import Collection
from typing import Final

from ocpp_core.action_names import OTHER_ROLE, SENDERS, Role, may_send

__all__ = ["expect_handled", "expect_sent", "sent_by_peer"]

_NAMES: Final[dict[Role, str]] = {"station": "a station", "csms": "the CSMS"}


def expect_sent(role: Role, action: str, protocols: Collection[str]) -> None:
    """Raise ValueError if only the peer of `role` sends this action in these subprotocols."""
    _expect_sender(role, action, protocols, "custom=True sends it anyway")


def expect_handled(role: Role, action: str, protocols: Collection[str]) -> None:
    """Raise ValueError if only `role` itself sends this action in these subprotocols, so it never receives it."""
    _expect_sender(OTHER_ROLE[role], action, protocols, "custom=True registers the handler anyway")


def sent_by_peer(role: Role) -> frozenset[str]:
    """Return the actions that only the peer of `role` sends, in any standard version.

    `expect_sent` accepts every action that is not among them.
    """
    return frozenset(
        action for each in SENDERS.values() for action, sender in each.items() if sender == OTHER_ROLE[role]
    )


def _expect_sender(role: Role, action: str, protocols: Collection[str], hint: str) -> None:
    if not may_send(role, action, protocols):
        other = _NAMES[OTHER_ROLE[role]]
        raise ValueError(
            f"expected an action that {_NAMES[role]} sends, got {action!r}, which only {other} sends; {hint}"
        )
