"""What `explain` returns: the rules that a text breaks, and what would let it pass."""

from ocpp_core._dataclasses import dataclass
from ocpp_core.config import AppliedQuirk, Violation

__all__ = ["Explanation", "Mistake"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A rule that a text breaks."""

    rule: str
    """The rule: `JSON`, `OCPP-J`, `action`, `error code`, or a keyword of JSON Schema such as `maxLength`."""
    detail: str
    """What was expected, and what it is instead; no value of the text."""
    source: str
    """Where the rule is from: document and section, or the schema."""
    violation: Violation | None = None
    """Pointer, keyword, expected and got, for a rule of a schema."""
    quirks: tuple[AppliedQuirk, ...] = ()
    """The quirks that tolerate it, each of another profile."""
    options: tuple[str, ...] = ()
    """The other options that tolerate it, with their values: `leniency=Leniency(null_payload=True)`."""
    is_accepted: bool = False
    """True if it is tolerated anyway."""

    def __str__(self) -> str:
        lines = [f"{self.rule}: {self.detail}", f"  source: {self.source}"]
        lines += [f"  tolerated by: profile {each.profile}, {each.quirk}" for each in self.quirks]
        lines += [f"  tolerated by: {each}" for each in self.options]
        return "\n".join([*lines, *(("  tolerated in any case",) if self.is_accepted else ())])


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is wrong with a text, as far as it can be read; `str` of it is a report of several lines."""

    protocol: str
    """The subprotocol whose rules were applied."""
    message_type: str = ""
    """`CALL`, `CALLRESULT`, `CALLERROR`, `CALLRESULTERROR` or `SEND`; empty if it could not be read."""
    action: str = ""
    """The action; empty if it is not known, and `?` for an unknown one that is not short and plain."""
    message_id: str | None = None
    """The message ID, at most 100 characters; None if it could not be read."""
    mistakes: tuple[Mistake, ...] = ()
    """The rules that it breaks, at most 20."""
    notes: tuple[str, ...] = ()
    """What was not checked, and why."""

    @property
    def is_valid(self) -> bool:
        """True if no rule is broken that was checked."""
        return not self.mistakes

    @property
    def is_tolerable(self) -> bool:
        """True if a quirk or an option tolerates each mistake."""
        return all(each.quirks or each.options or each.is_accepted for each in self.mistakes)

    def __str__(self) -> str:
        what = " ".join(each for each in (self.message_type or "text", self.action) if each)
        count = "no mistake" if self.is_valid else f"{len(self.mistakes)} mistake{'s' * (len(self.mistakes) > 1)}"
        return "\n".join(
            [
                f"{what} of {self.protocol}: {count}",
                *map(str, self.mistakes),
                *(f"note: {note}" for note in self.notes),
            ]
        )
