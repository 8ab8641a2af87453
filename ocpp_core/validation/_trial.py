"""Tries what would let one mistake of a payload pass, for `explain`."""

from collections.abc import Sequence

from ocpp_core.config import AppliedQuirk, BrokenRule, Effect, FindRemedy, Kind, Remedy, Validator
from ocpp_core.tolerance.profiles import QuirkProfile

__all__ = ["Trial"]

_KEEP = Remedy(Effect.KEEP)


class Trial:
    """A payload whose mistakes are known, of which one is tried to be tolerated while all others are forgiven.

    A remedy alone decides nothing: what it makes of the payload may break another rule.
    """

    def __init__(
        self, validator: Validator, kind: Kind, action: str, payload: object, found: Sequence[BrokenRule]
    ) -> None:
        self._validator = validator
        self._kind = kind
        self._action = action
        self._payload = payload
        self._known = {(rule.steps, rule.keyword) for rule in found}

    def applied(self, profile: QuirkProfile, rule: BrokenRule) -> AppliedQuirk | None:
        """Return the first quirk of a profile that the mistake needs; None if it stays one with the profile."""
        quirks = [quirk for quirk in profile.quirks if quirk.is_for(self._kind, self._action)]
        needed: list[AppliedQuirk] = []

        def find(broken: BrokenRule) -> Remedy | None:
            for quirk in quirks:
                if quirk.covers(broken.path) and (remedy := quirk.remedy(broken)) is not None:
                    needed.append(AppliedQuirk(profile.name, quirk.kind, quirk.at))
                    return remedy
            return None

        return needed[0] if find(rule) is not None and self._passes(rule, find) else None

    def _passes(self, rule: BrokenRule, find: FindRemedy) -> bool:
        place = rule.steps

        def find_for_one(broken: BrokenRule) -> Remedy | None:
            key = broken.steps, broken.keyword
            is_other = key in self._known and key != (place, rule.keyword)
            shared = min(len(place), len(broken.steps))
            return _KEEP if is_other or broken.steps[:shared] != place[:shared] else find(broken)

        return self._validator.mend(self._kind, self._action, self._payload, find_for_one) is not None
