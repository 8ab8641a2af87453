"""Models of pydantic as what handlers ask for and return, and as what calls send."""

from asyncio import CancelledError
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_serializer

from ocpp_core.inputs import Fail, Reply
from ocpp_transports._handlers._models import payload_of
from tests.transports.station import INTERNAL, later


class Meter(BaseModel):
    """A request with names of its own, limits, and a validator that has a fault."""

    model_config = ConfigDict(extra="forbid")

    connector_id: int = Field(alias="connectorId")
    tag: Annotated[str, Field(max_length=3)] = "A"
    tags: Annotated[list[str], Field(max_length=1)] = []
    note: str | None = None

    @field_validator("note")
    @classmethod
    def _fail(cls, note: str | None) -> str | None:
        raise KeyError(note)


class Answer(BaseModel):
    current_time: datetime = Field(serialization_alias="currentTime")
    note: str | None = None


class Numbers(BaseModel):
    numbers: list[int]


def of_numbers(payload: Numbers) -> Any:
    return {"got": len(payload.numbers)}


class Cancelled(BaseModel):
    @model_serializer
    def _write(self) -> None:
        raise CancelledError


def of_meter(meter: Meter) -> Any:
    return {"got": meter.connector_id}


async def of_meter_later(meter: Meter) -> Any:
    return {"got": meter.connector_id}


class TestAHandlerGets:
    @pytest.mark.parametrize("handler", [of_meter, of_meter_later])
    def test_the_model_of_the_payload(self, station, handler):
        station.handle("MeterValues", handler)
        station.call("MeterValues", {"connectorId": 7})
        assert station.answers == [Reply(1, {"got": 7})]

    @pytest.mark.parametrize(
        ("payload", "code", "description"),
        [
            ({}, "OccurrenceConstraint", "payload.connectorId violates Meter: missing"),
            ({"connectorId": "x1"}, "TypeConstraint", "payload.connectorId violates Meter: int_parsing"),
            ({"connectorId": []}, "TypeConstraint", "payload.connectorId violates Meter: int_type"),
            ({"connectorId": 1, "tag": "x1x1"}, "PropertyConstraint", "payload.tag violates Meter: string_too_long"),
            ({"connectorId": 1, "tags": ["x1", ""]}, "OccurrenceConstraint", "payload.tags violates Meter: too_long"),
            ({"connectorId": 1, "tags": [1]}, "TypeConstraint", "payload.tags.0 violates Meter: string_type"),
            ({"connectorId": 1, "x1 ": 2}, "Format", "payload.* violates Meter: extra_forbidden"),
        ],
    )
    def test_no_payload_that_pydantic_refuses(self, station, payload, code, description):
        station.handle("MeterValues", of_meter)
        station.call("MeterValues", payload)
        assert station.answers == [Fail(1, f"{code}Violation", description, {})]
        ((_, error),) = station.failures
        assert "x1" not in str(error)
        assert error.__cause__ is error.__context__ is None, "the log shows no payload"

    def test_no_list_of_the_errors_of_a_hostile_payload(self, station):
        """To list 100,000 errors takes pydantic a quarter of a second, in which the event loop stands still."""
        station.handle("MeterValues", of_numbers)
        station.call("MeterValues", {"numbers": ["x1"] * 101})
        assert station.answers == [Fail(1, "FormatViolation", "payload violates Numbers 101 times", {})]

    def test_an_internal_error_for_a_fault_in_a_validator(self, station):
        station.handle("MeterValues", of_meter)
        station.call("MeterValues", {"connectorId": 1, "note": "x1"})
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]

    def test_an_internal_error_for_a_model_that_it_makes_itself(self, station):
        station.handle("MeterValues", lambda ctx: Meter.model_validate({}))
        station.call("MeterValues", {})
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]


class TestAResult:
    @pytest.mark.parametrize("make", [lambda value: lambda ctx: value, lambda value: lambda ctx: later(value)])
    def test_may_be_a_model(self, station, make):
        station.handle("Heartbeat", make(Answer(current_time=datetime(2026, 3, 1, 12, tzinfo=UTC))))
        station.call()
        assert station.answers == [Reply(1, {"currentTime": "2026-03-01T12:00:00Z"})]

    @pytest.mark.parametrize("make", [lambda value: lambda ctx: value, lambda value: lambda ctx: later(value)])
    def test_whose_code_raises_anything_is_an_internal_error(self, station, make):
        station.handle("Heartbeat", make(Cancelled()))
        station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]


def test_the_class_of_a_model_is_no_payload():
    with pytest.raises(TypeError, match="expected a dict or a model of one as payload, got"):
        payload_of(Meter)
