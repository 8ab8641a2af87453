"""Which payloads strict mode checks, and whether a violation refuses a payload or is only reported."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, replace
from typing import Final, Literal, TypeAlias, get_args

from ocpp_core._dataclasses import dataclass

from ._validator import Kind, Validator, Violation

__all__ = [
    "CheckPayload",
    "Flow",
    "StrictMode",
    "ValidationMode",
    "ValidationRule",
    "check_of",
    "expect_rules",
    "is_checking",
    "mode_of",
    "rules_in",
]

ValidationMode: TypeAlias = Literal["strict", "report", "off"]
"""What a violation does: `strict` refuses the payload, `report` reports it and lets it pass, `off` checks nothing."""
StrictMode: TypeAlias = bool | Literal["report"]
"""The mode of all payloads in one word: True for `strict`, False for `off`, or `report`."""
Flow: TypeAlias = Literal["in", "out"]
"""The direction of a message: `in` for received, `out` for sent. The members of `actions.Direction` are equal to it."""
CheckPayload: TypeAlias = Callable[[str, object], Violation | None]
"""A function that checks the payload of an action, for one direction and one message type."""

_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "mode": get_args(ValidationMode),
    "direction": get_args(Flow),
    "kind": get_args(Kind),
}


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """What strict mode does with the payloads that this rule matches.

    A rule matches a payload if all its conditions do; a condition that is None matches every payload. The fields are
    plain values, so a table of a TOML or JSON file makes a rule: `ValidationRule(**table)`.

    Raises ValueError for an unknown mode, direction or kind and for an empty list, and TypeError for actions or
    protocols that are not a list of names.
    """

    mode: ValidationMode
    """`strict`, `report` or `off`."""
    _: KW_ONLY
    actions: Collection[str] | None = None
    """The actions; a response belongs to the action of its CALL."""
    protocols: Collection[str] | None = None
    """The subprotocols."""
    direction: Flow | None = None
    """`in` for payloads that the peer sent, `out` for those of this side."""
    kind: Kind | None = None
    """`call`, `result` or `send`: the type of the message."""

    def __post_init__(self) -> None:
        for name, texts in _TEXTS.items():
            value = getattr(self, name)
            if value not in texts and (value is not None or name == "mode"):
                raise ValueError(f"expected {name} as {', '.join(texts[:-1])} or {texts[-1]}, got {value!r}")
        for name in ("actions", "protocols"):
            object.__setattr__(self, name, _read_names(name, getattr(self, name)))


def _read_names(field: str, names: object) -> tuple[str, ...] | None:
    if names is None:
        return None
    if isinstance(names, str) or not isinstance(names, Collection) or not all(isinstance(each, str) for each in names):
        raise TypeError(f"expected {field} as a list of names, got {names!r}")
    if not names:
        raise ValueError(f"expected {field} as a list of at least one name, or None for all, got {names!r}")
    return tuple(dict.fromkeys(names))


def expect_rules(rules: object, name: str) -> tuple[ValidationRule, ...]:
    """Return the rules as a tuple. Raises TypeError for anything but a list of rules, which `name` calls it."""
    if isinstance(rules, str) or not isinstance(rules, Sequence):
        raise TypeError(f"expected {name} as a list of ValidationRule, got {type(rules).__name__}")
    for rule in rules:
        if not isinstance(rule, ValidationRule):
            raise TypeError(f"expected {name} as a list of ValidationRule, got one with {type(rule).__name__}")
    return tuple(rules)


def rules_in(protocol: str, rules: Sequence[ValidationRule]) -> tuple[ValidationRule, ...]:
    """Return the rules that apply in a subprotocol, in order, without their condition on it."""
    return tuple(
        rule if rule.protocols is None else replace(rule, protocols=None)
        for rule in rules
        if rule.protocols is None or protocol in rule.protocols
    )


def mode_of(rules: Sequence[ValidationRule], direction: Flow, kind: Kind, action: str | None) -> ValidationMode:
    """Return the mode of a payload: that of the first rule that matches, and `strict` without one.

    Args:
        rules: The rules of the subprotocol, see `rules_in`.
        direction: Whether the payload is received or sent.
        kind: The type of the message.
        action: The action, or None for one that no rule names.
    """
    for rule in rules:
        if (
            (rule.actions is None or action in rule.actions)
            and (rule.direction is None or rule.direction == direction)
            and (rule.kind is None or rule.kind == kind)
        ):
            return rule.mode
    return "strict"


def is_checking(rules: Sequence[ValidationRule], action: str | None = None) -> bool:
    """Return True if the rules of a subprotocol check any payload of an action, or of any action if it is None."""
    actions = {None, *(name for rule in rules for name in rule.actions or ())} if action is None else {action}
    return any(
        mode_of(rules, direction, kind, name) != "off"
        for name in actions
        for direction in get_args(Flow)
        for kind in get_args(Kind)
    )


def check_of(
    validator: Validator | None, rules: Sequence[ValidationRule], direction: Flow, kind: Kind
) -> CheckPayload | None:
    """Return what checks the payloads of one direction and message type; None if it would check nothing.

    The rules are resolved here once, so that a message costs no search through them: only the actions that a rule
    names can differ from the others.
    """
    if validator is None:
        return None
    check: CheckPayload = getattr(validator, f"check_{kind}")
    named = {action for rule in rules for action in rule.actions or ()}
    unchecked = frozenset(action for action in named if mode_of(rules, direction, kind, action) == "off")
    if mode_of(rules, direction, kind, None) != "off":
        return check if not unchecked else lambda action, payload: _except(unchecked, check, action, payload)
    checked = named - unchecked
    return (lambda action, payload: _only(checked, check, action, payload)) if checked else None


def _except(unchecked: Collection[str], check: CheckPayload, action: str, payload: object) -> Violation | None:
    return None if action in unchecked else check(action, payload)


def _only(checked: Collection[str], check: CheckPayload, action: str, payload: object) -> Violation | None:
    return check(action, payload) if action in checked else None
