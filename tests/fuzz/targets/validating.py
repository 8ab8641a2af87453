"""Payloads against the schemas: the closures beside jsonschema-rs, the code of fastjsonschema, and the explanation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import fastjsonschema

from ocpp_core.config import Violation
from ocpp_core.validation import load_validator
from ocpp_core.validation._closures import compile_accept
from ocpp_core.validation._drafts import for_compiler
from ocpp_core.validation._formats import FORMATS
from ocpp_core.validation._rust import accelerated
from ocpp_core.versions import ErrorCode
from tests.contracts.instances import Change, Instances
from tests.fuzz.choices import Choices, changed
from tests.fuzz.payloads import PROTOCOLS, known_payloads
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

_CODES: Final = frozenset(ErrorCode)


@dataclass(frozen=True, slots=True)
class _Judges:
    """The implementations for one message."""

    closures: Callable[[Any], object] | None
    rust: Callable[[Any], object]
    full: Callable[[Any], object]
    known: Any
    changes: Callable[[], Sequence[Change]]
    """Return, for every value of the payload, the edges that it may take and the rules that it may break."""


@cache
def _judges(protocol: str) -> tuple[tuple[str, str, _Judges], ...]:
    """Return action, kind and judges of each message; they compile when they are first used."""
    validator = load_validator(protocol)
    return tuple(
        (action, kind, _make(validator.schema(kind, action), known))  # type: ignore[arg-type]  # a kind of the file
        for action, kinds in known_payloads(protocol).items()
        for kind, known in kinds.items()
    )


def _make(schema: Any, known: Any) -> _Judges:
    changes = cache(lambda: tuple(Instances(schema).changes(known)))
    closures = compile_accept(schema, formats=True)
    compiled = cache(
        lambda: fastjsonschema.compile(
            for_compiler(schema), formats=FORMATS, use_default=False, detailed_exceptions=False
        )
    )
    rust = cache(lambda: accelerated(schema, formats=True))
    return _Judges(
        closures, lambda payload: (rust() or _unsure)(payload), lambda payload: compiled()(payload), known, changes
    )


def _unsure(payload: object) -> bool:
    return False


def _accepts(judge: Callable[[Any], object], payload: Any) -> bool:
    try:
        return bool(judge(payload))
    except Exception:  # an accept check that raises has not accepted
        return False


def _conforms(judge: Callable[[Any], object], payload: Any) -> bool:
    try:
        judge(payload)
    except Exception:  # the compiled code raises for a payload that it refuses
        return False
    return True


def judge_thrice(protocol: str, data: bytes) -> None:
    """What a quick check accepts conforms; what conforms is accepted, unless it is written unusually."""
    choices = Choices(data)
    action, kind, judges = choices.pick(_judges(protocol))
    payload = judges.known
    if choices.flag():
        payload = choices.pick(judges.changes()).apply(payload)
    payload = changed(choices, payload)
    conforms = _conforms(judges.full, payload)
    if judges.closures is not None:
        by_closures, by_rust = _accepts(judges.closures, payload), _accepts(judges.rust, payload)
        assert conforms or not by_closures
        assert conforms or not by_rust
        if _is_usual(payload):
            assert by_closures == by_rust == conforms
    _explain(protocol, action, kind, payload, conforms=conforms)


def _is_usual(value: Any) -> bool:
    """Return True if all numbers are read alike by all: integers as such, and none beyond 64 bits."""
    if isinstance(value, dict):
        return all(map(_is_usual, value.values()))
    if isinstance(value, list):
        return all(map(_is_usual, value))
    if isinstance(value, float):
        return not value.is_integer()
    return not isinstance(value, int) or abs(value) < 2**63


@cache
def _validator(protocol: str) -> Any:
    return load_validator(protocol)


def _explain(protocol: str, action: str, kind: str, payload: Any, *, conforms: bool) -> None:
    validator = _validator(protocol)
    violation = getattr(validator, f"check_{kind}")(action, payload)
    assert (violation is None) == conforms
    if violation is not None:
        assert isinstance(violation, Violation)
        assert violation.code in _CODES - {ErrorCode.INTERNAL_ERROR}
        assert len(violation.description) < 1000


_CORPUS: Final = [bytes([at, 1, (31 * at + 53 * move) % 256, 0]) for at in range(180) for move in range(4)]

TARGETS: Final = {f"payloads-of-{protocol}": Target(partial(judge_thrice, protocol), _CORPUS) for protocol in PROTOCOLS}
