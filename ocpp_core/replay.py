"""A recorder for the inputs of an engine, and their replay, to turn a field failure into a test.

A recording contains everything that the peer sent, credentials of the handshake included: protect it like credentials.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from types import UnionType
from typing import Any, Final, Generic, Protocol, TypeVar, get_args

from . import errors, inputs
from ._json import default
from .actions import Action
from .versions import Version

__all__ = ["Recorder", "replay"]

_In_contra = TypeVar("_In_contra", contravariant=True)


class _Engine(Protocol[_In_contra]):
    @property
    def deadline(self) -> float: ...
    def handle(self, event: _In_contra, now: float) -> None: ...
    def poll(self) -> Any: ...


def _input_classes() -> dict[str, type]:
    unions: tuple[UnionType, ...] = (inputs.ClientInput, inputs.ServerInput, inputs.StackInput, inputs.LinkInput)
    return {cls.__name__: cls for union in unions for cls in get_args(union)}


_CLASSES: Final = _input_classes()


class Recorder(Generic[_In_contra]):
    """An engine that records every input before it passes it to the wrapped engine.

    `write` is called with one line of JSON without its line end. Polls are recorded too, because an engine decodes
    received bytes when it is polled. `Reconfigure` and the config of `Accept` contain code (validators) and are
    omitted: to replay, make the engine with the settings of the recorded one.
    """

    def __init__(self, engine: _Engine[_In_contra], write: Callable[[str], object]) -> None:
        self.engine = engine
        """The engine that the inputs go to."""
        self._write = write

    @property
    def deadline(self) -> float:
        """Deadline of the wrapped engine."""
        return self.engine.deadline

    def handle(self, event: _In_contra, now: float) -> None:
        """Record an input and pass it to the wrapped engine."""
        if not isinstance(event, inputs.Reconfigure):
            self._write(_dump(event, now))
        self.engine.handle(event, now)

    def poll(self) -> Any:
        """Return the next action of the wrapped engine.

        Record the poll that returns None.
        """
        action = self.engine.poll()
        if action is None:
            self._write("{}")
        return action


def replay(lines: Iterable[str], engine: _Engine[Any]) -> list[Action]:
    """Feed the recorded inputs to `engine`, poll it where it was polled, and return its actions.

    A recorded misuse does not raise here: the recorded host continued after it, and so does the replay. Raises
    ValueError for a line that is not a record.
    """
    actions: list[Action] = []
    for line in lines:
        record = json.loads(line)
        if "input" in record:
            _feed(engine, record)
            continue
        while (action := engine.poll()) is not None:
            actions.append(action)
    return actions


def _feed(engine: _Engine[Any], record: dict[str, Any]) -> None:
    event = _load(record)
    try:
        engine.handle(event, record["at"])
    except (RuntimeError, TypeError, ValueError):
        return  # a misuse changes nothing, neither in the recording nor here


def _dump(event: Any, now: float) -> str:
    values = {field.name: _plain(getattr(event, field.name)) for field in fields(event) if field.name != "config"}
    record = {"at": now, "input": type(event).__name__, **values}
    return json.dumps(record, separators=(",", ":"), default=_stand_in)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, Exception):
        return {"$error": type(value).__name__}
    if isinstance(value, Version):
        return {"$version": {field.name: getattr(value, field.name) for field in fields(value)}}
    if isinstance(value, Mapping) and any(str(name).startswith("$") for name in value):
        return {"$dict": value}  # a payload that only looks like one of these
    return value


def _stand_in(value: Any) -> Any:
    """Return a JSON value for a set, a mapping, or a value that the engine's own encoder supports."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return default(value)


def _load(record: dict[str, Any]) -> Any:
    cls = _CLASSES.get(record["input"])
    if cls is None:
        raise ValueError(f"expected the name of an input, got {record['input']!r}")
    names = {field.name for field in fields(cls)}
    return cls(**{name: _rich(value) for name, value in record.items() if name in names})


def _rich(value: Any) -> Any:
    if isinstance(value, list):  # headers and subprotocols
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, content),) = value.items()
    read = _RICH.get(kind)
    return value if read is None else read(content)


def _version(facts: dict[str, Any]) -> Version:
    types, actions = frozenset(facts["message_types"]), frozenset(facts["send_actions"])
    return Version(**{**facts, "message_types": types, "send_actions": actions})


_RICH: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$bytes": b64decode,
    "$error": errors.ConnectionFailedError,
    "$version": _version,
    "$dict": dict,
}
