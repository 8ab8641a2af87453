"""Structs of msgspec as what handlers ask for and return, and as what calls send."""

from typing import Annotated, Any

import pytest

from ocpp_core.inputs import Reply
from ocpp_transports._handlers._models import payload_of
from tests.transports.station import later

msgspec: Any = pytest.importorskip("msgspec", reason="msgspec is not installed")


class Reading(msgspec.Struct, rename="camel", omit_defaults=True):  # type: ignore[call-arg]  # msgspec is Any here
    """A request with names of its own, and a limit."""

    connector_id: int
    tag: Annotated[str, msgspec.Meta(max_length=3)] = "A"


class Row(msgspec.Struct, array_like=True):  # type: ignore[call-arg]  # msgspec is Any here
    """An array, which is no payload."""

    number: int


def of_reading(reading: Reading) -> Any:
    return {"got": reading.connector_id}


async def of_reading_later(reading: Reading) -> Any:
    return {"got": reading.connector_id}


class TestAHandlerGets:
    @pytest.mark.parametrize("handler", [of_reading, of_reading_later])
    def test_the_struct_of_the_payload(self, station, handler):
        station.handle("MeterValues", handler)
        station.call("MeterValues", {"connectorId": 7})
        assert station.answers == [Reply(1, {"got": 7})]

    @pytest.mark.parametrize("payload", [{}, {"connectorId": "x1"}, {"connectorId": 1, "tag": "x1x1"}])
    def test_no_payload_that_is_not_valid(self, station, payload):
        station.handle("MeterValues", of_reading)
        station.call("MeterValues", payload)
        (answer,) = station.answers
        assert (answer.code, answer.description) == ("TypeConstraintViolation", "payload violates Reading")
        ((_, error),) = station.failures
        assert error.__cause__ is error.__context__ is None, "the log shows no payload"


class TestAResult:
    @pytest.mark.parametrize("make", [lambda value: lambda ctx: value, lambda value: lambda ctx: later(value)])
    def test_may_be_a_struct(self, station, make):
        station.handle("Heartbeat", make(Reading(7, "B")))
        station.call()
        assert station.answers == [Reply(1, {"connectorId": 7, "tag": "B"})]


@pytest.mark.parametrize("value", [Reading, Row(1)])
def test_neither_a_class_nor_an_array_is_a_payload(value):
    with pytest.raises(TypeError, match="expected a dict or a model of one as payload, got"):
        payload_of(value)
