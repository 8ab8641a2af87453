"""Tests of the handlers of `csms.py`, without sockets.

    python -m pytest examples/test_handlers.py

A client in memory runs through the same steps as a real station: identity,
subprotocol, validation, handlers, responses and errors, without sockets.
"""

from collections.abc import AsyncIterator

import pytest

from examples.csms import CentralSystem  # yours: from csms import ...
from ocpp_transports import RPCOccurrenceConstraintViolationError, utc_now
from ocpp_transports.memory import MemoryOCPPClient

# The library installs anyio, whose mark runs coroutines.
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run the tests on asyncio."""
    return "asyncio"


@pytest.fixture
async def central() -> AsyncIterator[CentralSystem]:
    """Return a new central system for each test."""
    central = CentralSystem()
    async with central.server:
        yield central


@pytest.fixture
async def station(
    central: CentralSystem,
) -> AsyncIterator[MemoryOCPPClient]:
    """Return a connected station of OCPP 1.6."""
    client = MemoryOCPPClient(
        "CP001", central.server, protocols=["ocpp1.6"]
    )
    async with client:
        await client.connect()
        yield client


async def test_a_station_is_accepted(station: MemoryOCPPClient) -> None:
    """The response has the fields that a station needs."""
    vendor = {"chargePointVendor": "Acme", "chargePointModel": "One"}
    reply = await station.call("BootNotification", vendor)
    assert reply["status"] == "Accepted"
    assert reply["interval"] == 300


@pytest.mark.parametrize(
    ("card", "status"), [("CARD-1", "Accepted"), ("stolen", "Invalid")]
)
async def test_only_known_cards_may_charge(
    station: MemoryOCPPClient, card: str, status: str
) -> None:
    """An unknown card is rejected."""
    reply = await station.call("Authorize", {"idTag": card})
    assert reply == {"idTagInfo": {"status": status}}


async def test_a_transaction_adds_its_energy_to_the_card_once(
    central: CentralSystem, station: MemoryOCPPClient
) -> None:
    """Energy counts once, even if the station sends the end twice."""
    start = {
        "connectorId": 1,
        "idTag": "CARD-1",
        "meterStart": 1000,
        "timestamp": utc_now(),
    }
    reply = await station.call("StartTransaction", start)
    end = {
        "transactionId": reply["transactionId"],
        "meterStop": 4200,
        "timestamp": utc_now(),
    }
    await station.call("StopTransaction", end)
    await station.call("StopTransaction", end)
    assert central.energy == {"CARD-1": 3200}
    assert central.transactions == {}


async def test_strict_mode_refuses_a_message_without_a_required_field(
    station: MemoryOCPPClient,
) -> None:
    """The handler is not called. The peer gets an error of its version."""
    with pytest.raises(RPCOccurrenceConstraintViolationError) as caught:
        await station.call("Authorize", {})
    assert "idTag is missing" in caught.value.description


async def test_the_server_calls_a_station(
    central: CentralSystem, station: MemoryOCPPClient
) -> None:
    """Handlers of a station are tested in the same way."""
    station.handle("Reset", lambda context: {"status": "Accepted"})
    reply = await central.server.call("CP001", "Reset", {"type": "Soft"})
    assert reply == {"status": "Accepted"}


async def test_a_station_of_ocpp_2_0_1(central: CentralSystem) -> None:
    """One server, two versions."""
    station = MemoryOCPPClient(
        "CP002", central.server, protocols=["ocpp2.0.1"]
    )
    event = {
        "eventType": "Started",
        "timestamp": utc_now(),
        "triggerReason": "Authorized",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "T1"},
        "idToken": {"idToken": "stolen", "type": "ISO14443"},
    }
    async with station:
        await station.connect()
        reply = await station.call("TransactionEvent", event)
    assert reply == {"idTokenInfo": {"status": "Invalid"}}
