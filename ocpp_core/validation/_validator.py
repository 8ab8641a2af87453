"""Strict mode: check payloads against the JSON schemas of a protocol.

A validator has the schemas of one protocol. It compiles the check of a message when it is first needed, or ahead of
time with `warm_up`. Make it once and share it between all connections.
"""

import marshal
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

import fastjsonschema

from ocpp_core.config import FindRemedy, Kind, Violation
from ocpp_core.versions import ErrorCode

from ._bundles import BUNDLED, Schema, read_bundle
from ._closures import Accept, compile_accept
from ._drafts import DEFAULT_DRAFT, for_compiler, problem_of, references
from ._explain import describe_violation
from ._formats import FORMATS
from ._mend import mended_payload
from ._rust import accelerated

__all__ = ["SchemaValidator", "Schemas", "create_validator", "load_validator"]

Schemas: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Action -> `{"call": schema, "result": schema}`, or `{"send": schema}` for a message without a response."""

_TYPES: Final = {"call": "CALL", "result": "CALLRESULT", "send": "SEND"}
_NO_REFERENCES: Final = 2
"""The version of the marshal format that does not search for repeated objects."""
_KINDS: Final = (frozenset({"call", "result"}), frozenset({"send"}))


class _Message:
    """The schema of one message and its compiled checks."""

    __slots__ = ("_accept", "_definitions", "_document", "_formats", "_name", "_protocol", "_schema", "_validate")

    def __init__(self, protocol: str, name: str, schema: Schema, definitions: Schema, *, formats: bool) -> None:
        self._protocol = protocol
        self._name = name
        self._schema = schema
        self._definitions = definitions
        self._formats = formats
        self._document: Schema = {}
        self._accept: Accept | None = None
        self._validate: Callable[[object], object] | None = None

    def check(self, payload: object) -> Violation | None:
        try:
            if (self._accept or self._prepare())(payload):
                return None
        except Exception:  # noqa: S110 - an unusual payload: the full check decides
            pass
        return self._judge(payload)

    def _judge(self, payload: object) -> Violation | None:
        try:
            if not _is_plain(payload):
                payload = _plain_values(payload)
            (self._validate or self.compile())(payload)
        except Exception:  # a payload for which the compiled code raises is refused
            return self._refusal(payload)
        return None

    def _prepare(self) -> Accept:
        """Make and return the accept check, often the only one that a message needs.

        Without one, `_unsure`.
        """
        accept = None
        try:
            document = self.document()
            accept = compile_accept(document, formats=self._formats)
            if accept is not None:
                accept = accelerated(document, formats=self._formats) or accept
        except Exception:  # noqa: S110 - the full check reports what is wrong with a schema
            pass
        self._accept = accept or _unsure
        return self._accept

    def _refusal(self, payload: object) -> Violation:
        if self._validate is None:
            return Violation(ErrorCode.INTERNAL_ERROR, f"the schema of {self._name[:100]} cannot be used")
        return describe_violation(self._document, payload, formats=self._formats, message=self._name)

    def mend(self, payload: object, find: FindRemedy) -> Any:
        """Return a refused payload as it may be delivered; None if it stays refused."""
        result = mended_payload(self._document or self.document(), payload, find, formats=self._formats)
        if result is None:
            return None
        mended, has_forgiven = result
        return mended if has_forgiven or self.check(mended) is None else None

    @property
    def is_compiled(self) -> bool:
        """True if the full check is compiled."""
        return self._validate is not None

    def compile(self) -> Callable[[object], object]:
        """Compile and return the full check.

        Two threads may do it at once, and the last one replaces the other.
        """
        self._document = self.document()
        self._prepare()
        try:
            validate: Callable[[object], object] = fastjsonschema.compile(
                for_compiler(self._document),
                formats=FORMATS if self._formats else {},
                use_formats=self._formats,
                use_default=False,  # defaults would be written into the payload and change the message
                detailed_exceptions=False,  # saves two thirds of time and memory; `_explain` finds the details
            )
        except Exception as error:
            raise ValueError(f"the schema of {self._protocol} {self._name} cannot be compiled: {error}") from error
        # Formats that are patterns are part of the compiled code, so the wrapper that would pass them is unnecessary.
        self._validate = getattr(validate, "__wrapped__", validate)
        return self._validate

    def document(self) -> Schema:
        """Return the schema with exactly those shared definitions to which it refers."""
        needed = dict(self._schema.get("definitions", {}))
        todo = [self._schema]
        while todo:
            for ref in references(todo.pop()):
                name = ref.removeprefix("#/definitions/")
                if name in self._definitions and name not in needed:
                    needed[name] = self._definitions[name]
                    todo.append(needed[name])
        return {"$schema": DEFAULT_DRAFT, **self._schema, "definitions": needed}

    def expect_usable(self) -> None:
        """Compile the full check.

        Raises ValueError for a schema that is misinterpreted or cannot be compiled.
        """
        if problem := problem_of(self.document()):
            raise ValueError(f"the schema of {self._protocol} {self._name}: {problem}")
        self.compile()


_Messages: TypeAlias = Mapping[str, Mapping[str, _Message]]


class SchemaValidator:
    """A validator for the payloads of one protocol.

    It implements `ocpp_core.config.Validator`. `load_validator` and `create_validator` make it. Connections and threads
    may share it: the first check of a message compiles (1 to 100 ms), and nothing else changes.
    """

    __slots__ = ("_calls", "_definitions", "_formats", "_messages", "_results", "_sends", "protocol")

    def __init__(self, protocol: str, messages: _Messages, definitions: Schema, *, formats: bool) -> None:
        self.protocol: str = protocol
        """The subprotocol whose payloads it checks."""
        self._messages = messages
        self._definitions = definitions
        self._formats = formats
        self._calls = _of_kind(messages, "call")
        self._results = _of_kind(messages, "result")
        self._sends = _of_kind(messages, "send")

    def __repr__(self) -> str:
        return f"<SchemaValidator {self.protocol}, {len(self._messages)} actions>"

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that have schemas."""
        return tuple(self._messages)

    def has(self, action: str) -> bool:
        """Return True if the action has schemas."""
        return action in self._messages

    def schema(self, kind: Kind, action: str) -> Schema | None:
        """Return the schema of a message with the definitions to which it refers; None if it has none."""
        message = self._messages.get(action, {}).get(kind)
        return None if message is None else message.document()

    def check_call(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a CALL; None if it conforms, or if the action is unknown."""
        message = self._calls.get(action)
        return self._unexpected(action, "CALL") if message is None else message.check(payload)

    def check_result(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a CALLRESULT.

        None if it conforms, or if the action is unknown.
        """
        message = self._results.get(action)
        return self._unexpected(action, "CALLRESULT") if message is None else message.check(payload)

    def check_send(self, action: str, payload: object) -> Violation | None:
        """Check the payload of a SEND; None if it conforms, or if the action is unknown."""
        message = self._sends.get(action)
        return self._unexpected(action, "SEND") if message is None else message.check(payload)

    def mend(self, kind: Kind, action: str, payload: object, find: FindRemedy) -> Any:
        """Return a refused payload as it may be delivered; None if it stays refused.

        Args:
            kind: The type of the message, which selects the schema.
            action: The action of the message.
            payload: The payload; it is not changed.
            find: Returns what is done about each broken rule: the value is kept, dropped or replaced.
        """
        message = self._messages.get(action, {}).get(kind)
        return None if message is None else message.mend(payload, find)

    def _unexpected(self, action: str, kind: str) -> Violation | None:
        if action not in self._messages:
            return None
        return Violation(ErrorCode.FORMAT_VIOLATION, f"{action[:100]} has no {kind}")

    def warm_up(self, actions: Iterable[str] | None = None) -> None:
        """Compile the checks of the named actions, or of all actions, that are not compiled yet.

        All checks of a standard protocol take 0.1 to 1 s: run it in a worker thread. Raises ValueError for an action
        that has no schemas, and for a schema that cannot be compiled.
        """
        for action in self._messages if actions is None else actions:
            if action not in self._messages:
                raise ValueError(f"expected an action of {self.protocol} that has schemas, got {action!r}")
            for message in self._messages[action].values():
                if not message.is_compiled:
                    message.compile()

    def extend(self, schemas: Schemas, *, definitions: Mapping[str, Any] | None = None) -> "SchemaValidator":
        """Return a validator with additional actions, for example those of a vendor.

        The new schemas of a known action replace the old ones. Both validators share the compiled checks. The schemas
        may refer to the definitions of this validator. `create_validator` documents the schemas and the errors.
        """
        shared = self._definitions | _plain(definitions or {})
        added = _checked_messages(self.protocol, schemas, shared, formats=self._formats)
        return SchemaValidator(self.protocol, {**self._messages, **added}, shared, formats=self._formats)


def create_validator(
    protocol: str,
    schemas: Schemas,
    *,
    definitions: Mapping[str, Any] | None = None,
    formats: bool = True,
) -> SchemaValidator:
    """Return a validator for a custom protocol.

    The drafts 04, 06 and 07 of JSON Schema are supported; a schema without `$schema` is read as 07. `pattern` has the
    syntax of Python's `re`, with `$` as the end of the text. The schemas are copied, and compiled immediately (1 to 100
    ms each).

    Args:
        protocol: The subprotocol.
        schemas: By the names of actions, the schemas of `call` and `result`, or of `send`.
        definitions: Schemas that the others may refer to (`#/definitions/…`).
        formats: False to skip the checks of `format`.

    Raises:
        TypeError: The schemas are not mappings by the names of actions.
        ValueError: A schema has another form or draft, or cannot be compiled. A `$ref` is not a pointer into its own
            schema (but to another document, to an `$id` or to a name), refers to itself for the same value, or is below
            an inner `$id`. A bound has the form of another draft.
    """
    shared = _plain(definitions or {})
    return SchemaValidator(
        protocol, _checked_messages(protocol, schemas, shared, formats=formats), shared, formats=formats
    )


def load_validator(protocol: str, *, formats: bool = True) -> SchemaValidator:
    """Return a validator for `ocpp1.6` (with the security extension), `ocpp2.0.1` or `ocpp2.1`.

    Every call reads the bundle again (5 to 20 ms).

    Args:
        protocol: The subprotocol.
        formats: False to skip the checks of date-times and URIs: many stations send date-times without an offset, which
            RFC 3339 requires.

    Raises:
        ValueError: There is no bundle for this protocol.
        FileNotFoundError: The bundle is missing.
    """
    if protocol not in BUNDLED:
        expected = ", ".join(BUNDLED)
        raise ValueError(f"expected one of {expected}, got {protocol!r}; use create_validator for other protocols")
    bundle = read_bundle(protocol)
    messages = _make_messages(protocol, bundle["actions"], bundle["definitions"], formats=formats)
    return SchemaValidator(protocol, messages, bundle["definitions"], formats=formats)


def _make_messages(protocol: str, schemas: Schema, definitions: Schema, *, formats: bool) -> _Messages:
    for action, kinds in schemas.items():
        if not isinstance(action, str) or not action:
            raise TypeError(f"expected schemas by the names of actions, got {action!r} as a name")
        if not isinstance(kinds, dict) or not all(isinstance(schema, dict) for schema in kinds.values()):
            raise TypeError(f"{protocol} {action}: expected a mapping of schemas, each one a mapping")
        if kinds.keys() not in _KINDS:
            got = ", ".join(map(str, kinds)) or "nothing"
            raise ValueError(f"{protocol} {action}: expected schemas as call and result, or as send alone, got {got}")
    return {
        action: {
            kind: _Message(protocol, f"{action} {_TYPES[kind]}", schema, definitions, formats=formats)
            for kind, schema in kinds.items()
        }
        for action, kinds in schemas.items()
    }


def _checked_messages(protocol: str, schemas: Schemas, definitions: Schema, *, formats: bool) -> _Messages:
    if not isinstance(schemas, Mapping):
        raise TypeError(f"expected schemas as a mapping of actions, got {type(schemas).__name__}")
    try:
        messages = _make_messages(protocol, _plain(schemas), definitions, formats=formats)
        for kinds in messages.values():
            for message in kinds.values():
                message.expect_usable()
    except RecursionError:
        raise ValueError(f"expected schemas of {protocol} that are nested less deeply") from None
    return messages


def _unsure(_: object) -> bool:
    """Return False: the accept check of a schema without one."""
    return False


def _is_plain(value: Any) -> bool:
    """Return True if a payload contains no member of an enumeration, which `marshal` refuses.

    `marshal` checks a large payload in a few milliseconds; iterating over it in Python, or copying it, takes ten times
    as long.
    """
    try:
        marshal.dumps(value, _NO_REFERENCES)
    except ValueError:
        return False
    return True


def _plain_values(value: Any) -> Any:
    """Return a payload with the values of enumeration members, as the JSON encoder writes them."""
    if isinstance(value, Enum):
        return _plain_values(value.value)
    if isinstance(value, dict):
        return {key: _plain_values(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_values(item) for item in value]
    return value


def _of_kind(messages: _Messages, kind: str) -> dict[str, _Message]:
    return {action: kinds[kind] for action, kinds in messages.items() if kind in kinds}


def _plain(value: Any) -> Any:
    """Return a copy with mappings as dicts and sequences as lists, as the compiler expects."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
