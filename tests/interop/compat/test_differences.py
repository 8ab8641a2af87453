"""Where `ocpp_transports.compat` differs on purpose, by the page on the migration from the package `ocpp`."""

import asyncio
from importlib import import_module
from typing import Any

import pytest

from tests.interop.compat.packages import OURS, THEIRS
from tests.interop.compat.peer import Peer

pytestmark = pytest.mark.anyio

DATA = {"fooUrl": 1, "MyKey": {"a_b": 2}}
CUSTOM = {"vendorId": "v", "socKet": 1}

# Function of programs/differences.py -> what is seen on the package, and on compat.
DIFFERENCES: dict[str, tuple[Any, Any]] = {
    "call_error_by_default": (None, "SecurityError"),
    "call_within_handler": ([4, "InternalError"], [3, {"status": "Accepted"}]),
    "response_behind_a_slow_handler": ("TimeoutError", "Accepted"),
    "broken_frames": (
        [[None, []], [None, []], ["TypeError", []], ["TypeError", []], ["RecursionError", []], [None, []]],
        [[None, ["FormationViolation"]]] * 4 + [[None, []], [None, []]],
    ),
    "wrong_results": (
        [["TypeError", []], ["TypeError", []], [None, ["FormatViolation"]]],
        [[None, ["InternalError"]], [None, [{"status": "Accepted"}]], [None, ["InternalError"]]],
    ),
    "exceptions_of_hooks": ([[None, [3]], ["ValueError", [3]], [None, [3, 4]]], [[None, [3]]] * 3),
    "unrouted_of_2_1": ([], ["NotImplemented", "NotImplemented", "NotSupported"]),
    "names_of_2_1": (
        ["pspRef", "receiptURL", "settlementAmount", "settlementTime", "status"],
        ["pspRef", "receiptUrl", "settlementAmount", "settlementTime", "status"],
    ),
    "bodies_of_vendors": (
        [
            [{"foo_url": 1, "my_key": {"a_b": 2}}, {"vendor_id": "v", "soc_ket": 1}],
            {"fooURL": 1, "myKey": {"aB": 2}},
            {"vendorId": "v", "SoCKet": 1},
        ],
        [[DATA, CUSTOM], DATA, CUSTOM],
    ),
    "codes_of_1_6": (
        ["AttributeError", ["FormatViolation"]],
        [None, ["FormationViolation", "GenericError"]],
    ),
    "extra_property_without_validation": ("str", "Reset"),
    "connection_lost_while_a_call_waits": ("TimeoutError", "ResponseLostError"),
    "same_id_twice": (2, 1),
    "responses_of_nobody": (True, False),
    "error_has_a_hash": ("TypeError", True),
}


@pytest.mark.parametrize("name", DIFFERENCES)
async def test_a_difference_on_purpose(programs, name, monkeypatch):
    monkeypatch.setattr(programs("differences", THEIRS), "RESPONSE_TIMEOUT", 0.05)  # where it waits in vain
    for package, expected in zip((THEIRS, OURS), DIFFERENCES[name], strict=True):
        async with asyncio.timeout(10):
            assert await getattr(programs("differences", package), name)(Peer()) == expected, package


async def test_suppressed_errors_for_a_whole_program(programs, monkeypatch):
    monkeypatch.setattr(import_module(f"{OURS}.charge_point").ChargePoint, "suppress_call_errors", True)
    assert await programs("differences", OURS).call_error_by_default(Peer()) is None


async def test_converted_bodies_for_a_whole_program(programs, monkeypatch):
    monkeypatch.setattr(import_module(f"{OURS}.charge_point").ChargePoint, "convert_custom_data", True)
    assert await programs("differences", OURS).bodies_of_vendors(Peer()) == DIFFERENCES["bodies_of_vendors"][0]
