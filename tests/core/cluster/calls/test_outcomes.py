"""Errors of calls are the same on both nodes."""

import json

import pytest

from ocpp_core.cluster.calls.outcomes import read_error, write_error
from ocpp_core.errors import (
    CallCancelledError,
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    RegistrationRequiredError,
    RPCError,
    RPCInternalError,
    RPCSecurityError,
    StoreError,
    TimeoutError,
)


def across(error):
    return read_error(json.loads(json.dumps(write_error(error))))


@pytest.mark.parametrize(
    "error",
    [
        RPCSecurityError("no", {"a": [1]}, remote=True),
        RPCError("VendorCode", "", {}, remote=False),
        ConnectionLostError("gone", sent=True, close_code=1001),
        ConnectionLostError("gone", sent=False),
        TimeoutError("late", sent=True, message_id="m1"),
        TimeoutError("expired"),
        CallCancelledError("cancelled", sent=True),
        CallDroppedError("full"),
        RegistrationRequiredError("not yet"),
        StoreError("no room"),
        ValueError("expected a number"),
        TypeError("expected a str"),
    ],
    ids=repr,
)
def test_an_error_crosses_with_its_class_and_all_its_fields(error):
    read = across(error)
    assert type(read) is type(error)
    assert vars(read) == vars(error)
    assert str(read) == str(error)


def test_the_end_of_the_station_s_node_is_a_lost_connection_for_the_caller():
    read = across(ClosedError("this server is closing", sent=True))
    assert isinstance(read, ConnectionLostError)
    assert read.sent


@pytest.mark.parametrize("error", [KeyError("secret"), RuntimeError("secret"), type("ValueError", (Exception,), {})()])
def test_the_text_of_an_unexpected_error_stays_on_its_node(error):
    assert "secret" not in str(write_error(error))
    read = across(error)
    assert isinstance(read, RPCInternalError)
    assert not read.remote


@pytest.mark.parametrize("written", [[], [1], ["RPCError", 1], ["RPCError", "a", "b", [], True], ["KeyError", "x"]])
def test_a_malformed_error_is_an_internal_one(written):
    assert isinstance(read_error(written), RPCInternalError)
