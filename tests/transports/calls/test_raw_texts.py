"""What is sent besides CALLs: raw texts and SENDs."""

from typing import ClassVar

import anyio
import pytest

from ocpp_transports import (
    NOREPLY,
    ClosedError,
    ConnectionLostError,
    RPCError,
    TimeoutError,
)
from tests.transports.pairs import SECONDS, first, pair

pytestmark = pytest.mark.anyio


class TestRawTexts:
    async def test_are_sent_as_they_are_awaited_or_not(self):
        async with pair() as (client, station), station.events("message", "bad_message") as events:
            station.handle("Heartbeat", lambda ctx: {})
            client.send_raw('[2, "raw-1", "Heartbeat", {} ]')
            assert (await first(events)).message_id == "raw-1"
            assert await client.send_raw("{nonsense") is None
            while type(event := await first(events)).__name__ != "BadMessageEvent":
                pass
            assert event.message == "{nonsense"

    async def test_may_be_calls_that_wait_for_their_answer(self):
        async with pair() as (client, station):
            station.handle("Heartbeat", lambda ctx: {"id": ctx.message_id})
            assert await client.send_raw('[2,"raw","Heartbeat",{}]', expect_reply=True) == {"id": "raw"}
            with pytest.raises(ValueError, match="text of a CALL"):
                await client.send_raw('[3,"raw",{}]', expect_reply=True)
            station.remove_all_handlers()
            station.handle("Heartbeat", lambda ctx: NOREPLY)
            with pytest.raises(TimeoutError):
                await client.send_raw('[2,"raw-2","Heartbeat",{}]', expect_reply=True, timeout=0.02)

    async def test_without_a_connection_say_why_and_what_to_do(self):
        async with pair() as (client, station):
            async with station.events("close") as closes:
                await client.close()
                await first(closes)
            for peer, error, advice in (
                (client, ClosedError, r"the client is closed; call connect\(\) first"),
                (station, ConnectionLostError, "returns the station's newest connection"),
            ):
                with pytest.raises(error, match=advice):
                    peer.send_raw("x")

    async def test_must_be_text(self):
        async with pair() as (client, _):
            with pytest.raises(TypeError, match="raw text"):
                client.send_raw(b"[]")


class TestSend:
    """OCPP 2.1 Part 4 §4.2.4: a message that is never answered."""

    STREAM: ClassVar = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 0.5, "v": "1"}]}

    async def test_arrives_and_waits_for_nothing(self):
        options = {"protocols": ["ocpp2.1"], "strict_mode": True, "warm_up": False}
        async with pair(server=options, **options) as (client, station):
            seen, arrived = [], anyio.Event()

            @station.handle("NotifyPeriodicEventStream")
            def stream(ctx):
                seen.append((ctx.params, ctx.expects_reply))
                arrived.set()

            await client.notify("NotifyPeriodicEventStream", self.STREAM)
            with anyio.fail_after(SECONDS):
                await arrived.wait()
            assert seen == [(self.STREAM, False)]
            with pytest.raises(RPCError):
                await client.notify("NotifyPeriodicEventStream", {"id": "1"})

    async def test_is_for_versions_and_actions_that_have_it(self):
        async with pair() as (client, _):
            with pytest.raises(ValueError, match="version with SEND"):
                await client.notify("NotifyPeriodicEventStream", self.STREAM)
        async with pair(protocols=["ocpp2.1"]) as (client, _):
            with pytest.raises(ValueError, match="NotifyPeriodicEventStream"):
                await client.notify("Heartbeat", {})
            with pytest.raises(ValueError, match="notify instead"):
                await client.call("NotifyPeriodicEventStream", self.STREAM)
