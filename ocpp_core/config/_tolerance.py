"""The interface of tolerance: what forgives or repairs the mistakes of a peer."""

from collections.abc import Sequence
from typing import Any, Protocol

from ocpp_core._dataclasses import dataclass

from ._validator import Kind, Validator

__all__ = ["AppliedQuirk", "Mended", "Tolerance"]


@dataclass(frozen=True, slots=True)
class AppliedQuirk:
    """A quirk that was needed to accept a message."""

    profile: str
    """The name of the profile."""
    quirk: str
    """The kind of the quirk, such as `allow_values`, or the name of a repair of texts."""
    at: str = ""
    """The members that lead to the value, joined with dots; empty for a repair of the text."""


@dataclass(frozen=True, slots=True)
class Mended:
    """A message that is accepted with quirks."""

    content: Any
    """The payload or the text to use."""
    news: Sequence[AppliedQuirk]
    """The quirks that this connection needed for the first time, to report them."""


class Tolerance(Protocol):
    """The quirks of the peer of one connection; `tolerance.StationQuirks` implements it.

    It remembers which quirks it has reported, so each connection has its own.
    """

    def mend(self, validator: Validator, kind: Kind, action: str, payload: object) -> Mended | None:
        """Return a refused payload as it may be delivered; None if it stays refused.

        Args:
            validator: The validator that refused it.
            kind: The type of the message.
            action: The action of the message.
            payload: The payload; it is not changed.
        """

    def mend_text(self, text: str) -> Mended | None:
        """Return another text for one that is no message; None if nothing is to be repaired. Never raises."""

    def code_of(self, code: str) -> str:
        """Return the error code that the peer meant with a received one."""
