"""Every connection of a storm replays: both ends, all levels, with everything that the ends share."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from ocpp_core.errors import OCPPError
from ocpp_core.recording import replay
from ocpp_transports import OCPPServer
from ocpp_transports.laboratory import World
from ocpp_transports.recording import Recordings

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}
START = {"connectorId": 1, "idTag": "04AB12CD", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}


def make_server(**options):
    """Return the server of an application, with a slow handler and one that answers at once."""
    server = OCPPServer(protocols=["ocpp1.6"], **options)
    server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
    server.handle(
        "BootNotification",
        lambda ctx: {"currentTime": "2026-01-01T00:00:00Z", "interval": 300, "status": "Accepted"},
    )

    @server.handle("StartTransaction")
    async def start(ctx):
        await asyncio.sleep(3)
        return {"transactionId": 1, "idTagInfo": {"status": "Accepted"}}

    return server


async def talk(lab, station, server, number):
    """Call in both directions while connections break."""
    queued = number % 2 == 0
    for turn in range(4):
        if queued:
            station.client.enqueue("StartTransaction", START)
        for call in (
            lambda: station.call("BootNotification", BOOT),
            lambda: station.call("StartTransaction", START),
            lambda: server.get_client(station.client.identity).call("Reset", {"type": "Soft"}, timeout=5),
            lambda: station.call("Heartbeat", {"broken": 1}),
            lambda: asyncio.gather(*(station.call("Heartbeat") for _ in range(5))),
        ):
            with suppress(OCPPError, AttributeError):  # lost, or not connected
                await call()
        await lab.run(seconds=5 + turn)


def storm(level):
    """Return what was recorded in a storm, by name."""
    kept: dict[str, Sequence[str]] = {}
    with World(seed=5, level=level, record=Recordings(kept.__setitem__, redact=False)) as lab:

        async def story():
            server = make_server(
                strict_mode=True,
                quirks="known",
                inbound_rate=5,
                address_rate=2,
                address_burst=2,
                max_unfinished_size=1 << 20,
            )
            await lab.server(server)
            stations = []
            for number in range(6):
                options: dict[str, Any] = {"offline_queue": True} if number % 2 == 0 else {"call_concurrency": 5}
                if level == "bytes":
                    options["compression"] = number == 3
                station = await lab.station(f"CP{number}", "ocpp1.6", **options)
                station.answers["Reset"] = {"status": "Accepted"}
                stations.append(station)
            lab.set(jitter=0.3, loss=0.05)
            lab.set("CP0", towards="station", latency=1.5)  # answers are lost, and asked for again
            if level == "bytes":
                lab.set(chop=0.3)
            talks = [
                asyncio.create_task(talk(lab, *each)) for each in zip([*stations], [server] * 6, range(6), strict=True)
            ]
            for number in range(8):
                await lab.run(seconds=2)
                lab.cut(f"CP{number % 6}")
                if number == 4:
                    lab.partition("CP1", "CP2")
            lab.heal()
            await asyncio.wait(talks)

        lab.play(story())
    return kept


class TestAStorm:
    @pytest.mark.parametrize("level", ["bytes", "messages"])
    def test_every_connection_replays_to_the_same_actions(self, level):
        kept = storm(level)
        engines = Counter(json.loads(lines[0])["engine"] for lines in kept.values())
        bytes_or_messages = "Stack" if level == "bytes" else "Engine"
        assert engines[f"Server{bytes_or_messages}"] > 9
        assert engines[f"Client{bytes_or_messages}"] == engines[f"DurableClient{bytes_or_messages}"] == 3
        replays = [replay(lines) for lines in kept.values()]
        assert [str(each.difference) for each in replays if each.difference is not None] == []
        assert all(each.actions for each in replays)
