"""The typed messages: each has the facts of its action, and types that state what its schema does."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from ocpp_core import v16, v21, v201
from ocpp_core.action_names import SENDERS
from ocpp_core.typed.message import Message
from tests.core.typed.bundles import BUNDLES, MODULES, definition, payloads

SCALARS = {"string": str, "integer": int, "number": float, "boolean": bool}

CUSTOM = Mapping[str, Any]

every_version = pytest.mark.parametrize("protocol", MODULES)


def differences(protocol: str, kind: Any, schema: dict[str, Any], path: str) -> list[str]:
    """Where a type states something else than a schema."""
    schema = definition(protocol, schema)
    if "enum" in schema:
        return [] if set(get_args(kind)) == set(schema["enum"]) else [path]
    if schema.get("additionalProperties") is False:
        hints, properties = get_type_hints(kind), schema.get("properties", {})
        if list(hints) != list(properties) or kind.__required_keys__ != set(schema.get("required", ())):
            return [path]
        return [at for name in hints for at in differences(protocol, hints[name], properties[name], f"{path}.{name}")]
    if schema.get("type") == "array":
        (item,) = get_args(kind)
        return differences(protocol, item, schema["items"], f"{path}[]") if get_origin(kind) is list else [path]
    expected = (
        CUSTOM
        if schema.get("type") == "object" and "properties" in schema
        else SCALARS.get(schema.get("type", ""), Any)
    )
    return [] if kind == expected else [path]


class TestTheTypesOfAVersion:
    @every_version
    def test_they_state_what_the_schemas_do(self, protocol: str) -> None:
        module = MODULES[protocol]
        found = [
            at
            for name, schema in payloads(protocol)
            for at in differences(protocol, getattr(module, name), schema, name)
        ]
        assert found == []

    @every_version
    def test_a_message_has_the_facts_of_its_action(self, protocol: str) -> None:
        module = MODULES[protocol]
        for action, kinds in BUNDLES[protocol]["actions"].items():
            message = getattr(module, action)
            assert (message.action, message.protocol) == (action, protocol)
            assert message.sender == SENDERS[protocol][action]
            request, response = get_args(message.__orig_bases__[0])
            assert request is getattr(module, f"{action}Request")
            assert response is (getattr(module, f"{action}Response") if "result" in kinds else type(None))

    @every_version
    def test_every_definition_is_exported(self, protocol: str) -> None:
        assert BUNDLES[protocol]["definitions"].keys() <= set(MODULES[protocol].__all__)

    def test_equal_types_of_1_6_share_the_name_of_the_specification(self) -> None:
        answers = (v16.AuthorizeResponse, v16.StartTransactionResponse, v16.StopTransactionResponse)
        assert {get_type_hints(answer)["idTagInfo"] for answer in answers} == {v16.IdTagInfo}
        assert get_type_hints(v16.StopTransactionRequest)["transactionData"] == list[v16.MeterValue]

    def test_a_name_that_no_version_has_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError, match="'BootNotificatoin'"):
            _ = v16.BootNotificatoin  # type: ignore[attr-defined]  # misspelled on purpose


class TestAMessage:
    def test_its_keywords_are_its_payload(self) -> None:
        message = v16.BootNotification(chargePointVendor="Acme", chargePointModel="One")
        assert message.params == {"chargePointVendor": "Acme", "chargePointModel": "One"}

    def test_a_ready_payload_is_not_copied(self) -> None:
        params: v201.HeartbeatRequest = {"customData": {"vendorId": "Acme", "load": 0.5}}
        assert v201.Heartbeat.of(params).params is params

    def test_it_equals_a_message_of_the_same_action_version_and_payload(self) -> None:
        assert v16.Heartbeat() == v16.Heartbeat.of({})
        others: list[Message[Any, Any]] = [
            v16.ClearCache(),
            v201.Heartbeat(),
            v201.Heartbeat(customData={"vendorId": "a"}),
        ]
        assert [other for other in others if other == v16.Heartbeat()] == []

    def test_its_representation_shows_no_payload(self) -> None:
        assert repr(v16.Authorize(idTag="SECRET")) == "<Authorize of ocpp1.6>"
        assert repr(v21.Heartbeat()) == "<Heartbeat of ocpp2.1>"
