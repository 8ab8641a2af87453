"""The rate of requests that the connections of one address share; `tests/core/inbound/test_rate.py` has its effect."""

from math import inf

import anyio
import pytest

from ocpp_transports import RPCGenericError
from ocpp_transports._server._admitting._address_rate import AddressRate
from ocpp_transports.events import SecurityEvent
from tests.core.buckets import take
from tests.transports.pairs import SECONDS, client_of, first, serving


class TestTheBuckets:
    @pytest.mark.parametrize(
        ("one", "other", "is_shared"),
        [
            ("192.0.2.1", "192.0.2.1", True),
            ("192.0.2.1", "::ffff:192.0.2.1", True),
            ("192.0.2.1", "192.0.2.2", False),
            ("2001:db8::1", "2001:db8::2", True),
            ("2001:db8::1", "2001:db8:0:1::1", False),
        ],
    )
    def test_are_those_of_an_owner_of_addresses(self, one, other, is_shared):
        rate = AddressRate(1, 1)
        first_bucket, second = rate.bucket_of(one), rate.bucket_of(other)
        assert first_bucket is not None
        assert second is not None
        assert take(first_bucket, 0.0)
        assert take(second, 0.0) is not is_shared

    def test_do_not_exist_without_a_limit_or_an_address(self):
        assert AddressRate.of(inf, 1, None) is None
        assert AddressRate.of(inf, 1, AddressRate(1, 1)) is None
        assert AddressRate(1, 1).bucket_of(None) is None

    def test_are_not_filled_by_other_options(self):
        rate = AddressRate(1, 1)
        assert AddressRate.of(1, 1, rate) is rate
        assert AddressRate.of(2, 1, rate) is not rate


@pytest.mark.anyio
async def test_two_stations_of_an_address_share_its_rate():
    options = {"address_rate": 0.001, "address_burst": 1, "inbound_limit": "reject"}
    async with serving(**options) as (server, listener):
        server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
        async with client_of(listener, "CP1") as one, client_of(listener, "CP2") as other:
            await one.connect()
            await other.connect()
            with anyio.fail_after(SECONDS):
                await one.call("Heartbeat", {})
                with pytest.raises(RPCGenericError, match="too many CALLs a second"):
                    await other.call("Heartbeat", {})


@pytest.mark.anyio
async def test_a_station_that_is_disconnected_for_its_rate_is_a_security_event():
    options = {"inbound_rate": 0.001, "inbound_burst": 1, "inbound_limit": "disconnect"}
    async with serving(**options) as (server, listener), client_of(listener, reconnect=False) as client:
        server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
        events, closed = server.events("security"), client.events("close")
        await client.connect()
        await client.call("Heartbeat", {})
        await client.send_raw('[2,"2","Heartbeat",{}]')
        event = await first(events)
        assert isinstance(event, SecurityEvent)
        assert (event.kind, event.identity, event.remote_address) == ("rate_exceeded", "CP1", "127.0.0.1")
        assert (await first(closed)).code == 1008
