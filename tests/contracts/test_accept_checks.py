"""Both accept checks, message by message: they accept nothing that the full check refuses, and most of what it accepts.

The full check is fastjsonschema's. What it means is tested beside the schema bundles.
"""

import math
import socket
from collections.abc import Iterator
from enum import Enum, StrEnum
from functools import cache
from itertools import cycle, islice
from typing import Any

import pytest

from ocpp_core.validation import SchemaValidator, create_validator, load_validator
from ocpp_core.validation._bundles import BUNDLED
from ocpp_core.validation._closures import Accept, compile_accept
from ocpp_core.validation._formats import FORMATS
from ocpp_core.validation._rust import accelerated
from ocpp_core.validation._validator import _plain_values
from tests.contracts.instances import Instances
from tests.contracts.rows import each_row_of, grouped


class Member(Enum):
    TEXT = "Accepted"
    WHOLE = 1
    NEVER = "no such value"


class Text(StrEnum):
    A = "Accepted"


class Words(str):
    __slots__ = ()


class Payload(dict[str, Any]):
    pass


ODD = [
    None,
    True,
    False,
    0,
    -1,
    1.0,
    -0.0,
    1.5,
    2**63,
    2**64,
    -(2**70),
    10**400,
    1e300,
    math.nan,
    math.inf,
    "",
    "x" * 6000,
    "é" * 50,
    "😀" * 20,
    "\ud800",
    "\x00",
    Words("Accepted"),
    Member.TEXT,
    Member.WHOLE,
    Member.NEVER,
    Text.A,
    b"bytes",
    (),
    ("Accepted",),
    [],
    [[]],
    {},
    {"": 1},
    {1: 1},
    {Words("vendorId"): "x"},
    Payload(vendorId="x"),
    {"a"},
    object(),
]
# A Decimal is not among them: jsonschema-rs takes it for a number, but it has no JSON and is refused before any check.
DATE_TIMES = [
    "2025-03-30T12:00:00Z",
    "2025-03-30T12:00:00Z\n",
    " 2025-03-30T12:00:00Z",
    "2025-03-30T12:00:00",
    "2025-02-29T12:00:00Z",
    "2024-02-29t23:59:60.5+14:00",
    "2025-03-30T24:00:00Z",
    "\u0662\u0660\u0662\u0665-03-30T12:00:00Z",
    "x2025-03-30T12:00:00Z",
]
URIS = [
    "https://example.com/a?b=c#d",
    "https://example.com/\n",
    "no scheme",
    "a:",
    "a:%zz",
    "a:b#c#d",
    "1:b",
    "\u00e4:b",
]

MESSAGES = [
    (protocol, action, kind)
    for protocol in BUNDLED
    for action, kinds in load_validator(protocol)._messages.items()
    for kind, message in kinds.items()
    if compile_accept(message.document(), formats=True) is not None
]
"""All but the three messages with a keyword that only the full check knows."""
every_message = each_row_of(grouped(MESSAGES, 0, 2))


@cache
def validator(protocol: str) -> SchemaValidator:
    return load_validator(protocol)


def says_yes(check: Accept, payload: object) -> bool:
    """What validation makes of an accept check: what it raises means no more than False."""
    try:
        return bool(check(payload))
    except Exception:
        return False


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a payload."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in parts:
        yield from places(part, (*path, step))


def put(node: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    copy: Any = list(node) if isinstance(node, list) else dict(node)
    copy[path[0]] = put(node[path[0]], path[1:], value)
    return copy


def payloads(document: dict[str, Any]) -> Iterator[Any]:
    """Payloads that conform, that break one rule, and that are odd in one place."""
    instances = Instances({"$schema": "http://json-schema.org/draft-07/schema#", **document})
    for whole in (instances.minimal(), instances.full()):
        yield whole
        for change in instances.changes(whole):
            yield change.apply(whole)
    whole = instances.full()
    odd = cycle((*ODD, *DATE_TIMES, *URIS))
    for path in places(whole):
        for value in islice(odd, 9):  # over the places of all messages everything meets everything
            yield put(whole, path, value)


@every_message
def test_nothing_is_accepted_that_the_full_check_refuses(protocol: str, action: str, kind: str) -> None:
    message = validator(protocol)._messages[action][kind]
    document = message.document()
    closures, engine = compile_accept(document, formats=True), accelerated(document, formats=True)
    full = message.compile()
    assert closures is not None
    for payload in payloads(document):
        accepted_by = [check for check in (closures, engine) if check is not None and says_yes(check, payload)]
        assert accepted_by == [] or _conforms(full, payload), payload


@every_message
def test_the_usual_payloads_need_no_full_check(protocol: str, action: str, kind: str) -> None:
    document = validator(protocol)._messages[action][kind].document()
    closures, engine = compile_accept(document, formats=True), accelerated(document, formats=True)
    instances = Instances({"$schema": "http://json-schema.org/draft-07/schema#", **document})
    for payload in (instances.minimal(), instances.full()):
        assert closures is not None
        assert says_yes(closures, payload)
        assert engine is None or says_yes(engine, payload)


def _conforms(full: Any, payload: object) -> bool:
    try:
        full(_plain_values(payload))
    except Exception:
        return False
    return True


class TestTheFormatsInRust:
    @pytest.mark.parametrize("text", [*DATE_TIMES, *URIS])
    @pytest.mark.parametrize("form", FORMATS)
    def test_mean_what_ours_mean(self, form: str, text: str) -> None:
        document = {"$schema": "http://json-schema.org/draft-06/schema#", "type": "string", "format": form}
        closures, engine = compile_accept(document, formats=True), accelerated(document, formats=True)
        if engine is None:
            pytest.skip("jsonschema-rs has no wheel for this platform")
        assert closures is not None
        assert says_yes(engine, text) == says_yes(closures, text)


class TestMembersOfEnumerations:
    @pytest.mark.parametrize(("payload", "conforms"), [(Member.TEXT, True), (Member.NEVER, False), (Text.A, True)])
    def test_count_as_their_values(self, payload: Enum, conforms: bool) -> None:
        answer = {"status": payload, "currentTime": "2025-03-30T12:00:00Z", "interval": Member.WHOLE}
        assert (validator("ocpp1.6").check_result("BootNotification", answer) is None) == conforms


class TestSchemasOfOthers:
    """What is no keyword of the bundles must not change the verdict, nor make anything else happen."""

    def test_nothing_is_fetched_for_a_schema(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            named = f"http://127.0.0.1:{listener.getsockname()[1]}/meta"
            schema = {"$id": named, "type": "object", "properties": {"a": {"type": "integer"}}}
            with pytest.raises(ValueError, match=r"expected \$schema of"):
                create_validator("vendor", {"Ask": {"send": {**schema, "$schema": named}}})
            validator = create_validator("vendor", {"Ask": {"call": schema, "result": schema}})
            assert validator.check_call("Ask", {"a": 1}) is None
            assert validator.check_call("Ask", {"a": "1"}) is not None
            with pytest.raises(BlockingIOError):
                listener.accept()

    def test_annotations_may_hold_anything(self) -> None:
        time = {"type": "string", "format": "date-time"}
        schema = {"type": "object", "default": {"format": "json"}, "properties": {"default": time, "format": time}}
        validator = create_validator("vendor", {"Ask": {"call": schema, "result": schema}})
        for name in ("default", "format"):
            assert validator.check_call("Ask", {name: "2026-03-01T12:00:00Z"}) is None
            assert validator.check_call("Ask", {name: "yesterday"}) is not None

    @pytest.mark.parametrize("schema", [{"required": True, "type": "object"}, {"type": "object", "properties": []}])
    def test_a_broken_one_is_told_when_the_validator_is_made(self, schema: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="cannot be compiled"):
            create_validator("vendor", {"Ask": {"call": schema, "result": {}}})

    @pytest.mark.parametrize("uri", ["http://host/a+b", "x:a*b", "x:(a)"])
    def test_every_character_of_a_uri_conforms(self, uri: str) -> None:
        schema = {"type": "object", "properties": {"uri": {"type": "string", "format": "uri"}}}
        document = {"$schema": "http://json-schema.org/draft-07/schema#", **schema}
        checks = [compile_accept(document, formats=True), accelerated(document, formats=True)]
        assert [bool(check({"uri": uri})) for check in checks if check is not None] == [True] * len(
            list(filter(None, checks))
        )
