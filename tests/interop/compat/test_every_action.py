"""Every message of every version: what a handler gets, and what is sent for its answer and for a call."""

import asyncio
import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from ocpp_core.action_names import ACTION_NAMES
from ocpp_core.validation import load_validator
from tests.interop.compat.packages import OURS, THEIRS
from tests.interop.compat.peer import Peer

pytestmark = pytest.mark.anyio

MODULES = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
MISNAMED = {("2.1", "BatterySwap"), ("2.1", "Get15118EVCertificate")}
"""Where the package converts a required property to what neither a schema nor a field is called."""


def example(schema: Any, definitions: Any, *, optional: bool) -> Any:
    """Make a value with the properties that a schema requires, or all of them."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][-1]
    kind = schema.get("type", "string")
    if kind == "object":
        properties = schema.get("properties", {}) if optional else schema.get("required", ())
        return {name: example(schema["properties"][name], definitions, optional=optional) for name in properties}
    if kind == "array":
        return [example(schema["items"], definitions, optional=optional)] * schema.get("minItems", 1)
    made = {"string": "2026-01-01T00:00:00Z"[: schema.get("maxLength", 40)], "number": 1.5, "boolean": True}
    return made.get(kind, schema.get("minimum", 1))


def messages(version: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield each action with the payloads of its request and answer."""
    validator = load_validator(f"ocpp{version}", formats=False)
    for action in sorted(ACTION_NAMES[f"ocpp{version}"]):
        request, answer = validator.schema("call", action), validator.schema("result", action)
        if request is not None and answer is not None:
            schemas = (request, answer)
            # In 2.1 the package misspells many of the optional properties.
            yield action, *(example(each, each.get("definitions", {}), optional=version != "2.1") for each in schemas)


async def conversation(package: str, version: str, action: str, request: Any, answer: Any) -> Any:
    """What a handler gets, what its answer is on the wire, and what a call is and gets."""
    v = import_module(f"{package}.{MODULES[version]}")
    fields = import_module(f"{package}.charge_point").camel_to_snake_case
    seen = []

    def handle(self: Any, **kwargs: Any) -> Any:
        seen.append(kwargs)
        return getattr(v.call_result, action)(**fields(answer))

    handle.__name__ = "on_any"
    station = type("Station", (v.ChargePoint,), {"on_any": import_module(f"{package}.routing").on(action)(handle)})
    peer = Peer()
    cp = station("CP1", peer)
    cp.convert_custom_data = True  # as the package does
    peer.answers = {action: answer}
    await cp.route_message(json.dumps([2, "1", action, request]))
    call = asyncio.create_task(cp.call(getattr(v.call, action)(**fields(request)), unique_id="2"))
    await peer.sent(2)
    await cp.route_message(json.dumps([3, "2", answer]))
    reply = await call
    return seen, [frame for direction, frame in peer.frames if direction == ">"], vars(reply)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_both_packages_agree(version):
    for action, request, answer in messages(version):
        if (version, action) in MISNAMED:
            continue
        ours, theirs = [await conversation(each, version, action, request, answer) for each in (OURS, THEIRS)]
        assert ours == theirs
        assert ours[1][0] == [3, "1", answer]


def faulty(payload: Any) -> Iterator[Any]:
    """Yield a payload with one fault, and with two."""
    first, *others = payload or {"none": 1}
    yield {name: payload[name] for name in others}
    yield payload | {first: {}}
    yield payload | {first: "x" * 6000}
    yield dict.fromkeys(others, 5) | {"unknownProperty": 1}


def refusal(package: str, version: str, kind: str, action: str, payload: Any) -> Any:
    """The error for a payload, with the names of its details; None if it is valid."""
    messages = import_module(f"{package}.messages")
    request = messages.Call("1", action, payload)
    try:
        messages._validate_payload(request if kind == "call" else request.create_call_result(payload), version)
    except import_module(f"{package}.exceptions").OCPPError as error:
        return type(error).__name__, error.code, error.description, sorted(error.details)
    return None


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_both_packages_refuse_the_same_payloads_for_the_same_reason(version):
    refused = set()
    for action, *payloads in messages(version):
        for kind, payload in zip(("call", "result"), payloads, strict=True):
            for wrong in faulty(payload):
                ours, theirs = [refusal(each, version, kind, action, wrong) for each in (OURS, THEIRS)]
                assert ours == theirs, (kind, action, wrong)
                refused.add(ours and ours[0])
    assert refused == {None, "FormatViolationError", "ProtocolError", "TypeConstraintViolationError"}
