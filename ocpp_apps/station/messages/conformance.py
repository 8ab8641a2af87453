"""Checks of messages against the bundled schemas.

Each check is compiled when it is first needed, and all stations share it.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from ocpp_apps.station.schema_help import Kind, skeleton
from ocpp_core.config import Violation
from ocpp_core.messages import MessageType
from ocpp_transports._options._validators import shared_validator

__all__ = ["problem_of", "violation_of"]

MOST_NAMED: Final = 5
"""Broken rules that a description names."""
_MOST_MEMBERS: Final = 50
"""Members of a broken message that are checked individually."""
_KINDS: Final[Mapping[int, Kind]] = {
    MessageType.CALL: "call",
    MessageType.CALLRESULT: "result",
    MessageType.SEND: "send",
}


def violation_of(protocol: str, action: str, payload: object) -> Violation | None:
    """Return the problem of a CALL's payload, or None if it conforms or the action is unknown."""
    return shared_validator(protocol).check_call(action, payload)


def problem_of(protocol: str | None, action: str | None, frame: list[Any]) -> str | None:
    """Return the problem of a message, or None if it conforms or has no payload with a schema.

    If several members break a rule, the first broken rule of up to 5 members is named.
    """
    kind = _KINDS.get(frame[0])
    if protocol is None or action is None or kind is None:
        return None
    validator = shared_validator(protocol)
    if not validator.has(action):
        return f"{action} is not an action of {protocol}" if kind != "result" else None
    check = {"call": validator.check_call, "result": validator.check_result, "send": validator.check_send}[kind]
    violation = check(action, frame[-1])
    if violation is None:
        return None
    further = (check(action, part) for part in _parts(protocol, action, kind, frame[-1]))
    found = dict.fromkeys([violation.description, *(one.description for one in further if one is not None)])
    first, *others = islice(found, MOST_NAMED)
    subject = f"{action} {MessageType(frame[0]).name} "  # each description begins with it; keep it once
    return "; ".join([first, *(other.removeprefix(subject) for other in others)])


def _parts(protocol: str, action: str, kind: Kind, payload: object) -> Iterator[dict[str, Any]]:
    """Yield payloads with only one of the faulty members, or without one member, of this payload."""
    if not isinstance(payload, dict):
        return
    good = skeleton(protocol, action, kind)
    for missing in good:
        if missing not in payload:
            yield {name: value for name, value in good.items() if name != missing}
    for name in islice(payload, _MOST_MEMBERS):
        yield {**good, name: payload[name]}
