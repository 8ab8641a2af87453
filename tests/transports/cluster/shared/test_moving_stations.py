"""Stations that move between two servers of a cluster, in virtual time: what the second server knows of them."""

import asyncio
from contextlib import suppress

import pytest

from ocpp_transports import OCPPServer, UnexpectedHttpResponse
from ocpp_transports.cluster import Cluster, MemoryCluster, StoreUnavailableError
from ocpp_transports.laboratory import World
from tests.kinds import mistyped

pytestmark = pytest.mark.filterwarnings("error")
ONE, TWO = 9001, 9002
START = {"connectorId": 1, "idTag": "T1", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"}
SESSIONS = {"session_ttl": 600, "unauthenticated_sessions": True}


@pytest.fixture
def lab():
    with World(seed=7) as lab:
        yield lab
    assert lab.network.links == {}


def unavailable(*_):
    raise StoreUnavailableError("it does not answer")


class Two:
    """Two servers of one cluster, whose handlers count what they do."""

    def __init__(self, lab, *share, **options):
        self.lab = lab
        self.shared = MemoryCluster()
        cluster = {name: Cluster(self.shared, name, lease=60, share=share) for name in ("one", "two")}
        self.servers = [OCPPServer(protocols=["ocpp1.6"], cluster=each, **options) for each in cluster.values()]
        self.started = []
        for number, server in enumerate(self.servers):
            server.handle("StartTransaction", lambda ctx, number=number: self._start(number))
            server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-03-01T12:00:00Z"})

    def _start(self, number):
        self.started.append(number)
        return {"transactionId": len(self.started), "idTagInfo": {"status": "Accepted"}}

    async def listen(self):
        for server, port in zip(self.servers, (ONE, TWO), strict=True):
            await self.lab.server(server, port=port)

    async def station(self, port):
        return (await self.lab.station("CP1", port=port, reconnect=False)).client

    def handle(self, number):
        return self.servers[number].get_client("CP1")


class TestASession:
    def test_moves_with_its_station(self, lab):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            await two.station(ONE)
            two.handle(0).session["transaction"] = {"id": 42}
            await asyncio.sleep(0.1)
            await two.station(TWO)
            assert two.handle(1).session == {"transaction": {"id": 42}}
            assert two.servers[1].stats().kept_sessions == 0

        lab.play(story())

    def test_is_there_before_the_first_message(self, lab):
        two = Two(lab, "sessions", **SESSIONS)
        seen = []
        two.servers[1].handle(
            "Authorize", lambda ctx: seen.append(dict(ctx.client.session)) or {"idTagInfo": {"status": "Accepted"}}
        )

        async def story():
            await two.listen()
            station = await two.station(ONE)
            two.handle(0).session["tenant"] = "acme"
            await station.close()
            await (await two.station(TWO)).call("Authorize", {"idTag": "T1"})
            assert seen == [{"tenant": "acme"}]

        lab.play(story())

    def test_is_written_at_the_end_even_if_only_a_value_within_it_changed(self, lab):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            station = await two.station(ONE)
            two.handle(0).session["rows"] = []
            await asyncio.sleep(1)
            two.handle(0).session["rows"].append(1)
            await station.close()
            await two.station(TWO)
            assert two.handle(1).session == {"rows": [1]}

        lab.play(story())

    def test_of_the_newest_claim_wins_over_the_late_end_of_an_older_connection(self, lab):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            await two.station(ONE)
            old = two.handle(0)
            old.session["at"] = "one"
            await asyncio.sleep(0.1)
            station = await two.station(TWO)
            two.handle(1).session["at"] = "two"
            old.session["at"] = "one, late"
            await asyncio.sleep(1)
            await station.close()
            await two.station(ONE)
            assert two.handle(0).session == {"at": "two"}

        lab.play(story())

    def test_that_was_cleared_does_not_return_from_the_server_of_before(self, lab):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            await two.station(ONE)
            two.handle(0).session["at"] = "one"
            await asyncio.sleep(0.1)
            await two.station(TWO)
            two.handle(1).session.clear()
            await asyncio.sleep(0.1)
            await two.station(ONE)
            assert two.handle(0).session == {}

        lab.play(story())

    def test_returns_to_the_same_server_at_once(self, lab):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            await two.station(ONE)
            two.handle(0).session["rows"] = [1]
            await asyncio.sleep(1)
            two.handle(0).session["rows"].append(2)
            await two.station(ONE)
            assert two.handle(0).session == {"rows": [1, 2]}

        lab.play(story())

    def test_lasts_while_its_station_is_connected_and_its_time_to_live_afterwards(self, lab):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            station = await two.station(ONE)
            two.handle(0).session["tenant"] = "acme"
            await lab.run(minutes=16)
            await station.close()
            await lab.run(minutes=9)
            station = await two.station(TWO)
            assert two.handle(1).session == {"tenant": "acme"}
            await station.close()
            await lab.run(minutes=11)
            await two.station(ONE)
            assert two.handle(0).session == {}

        lab.play(story())

    def test_refuses_what_json_does_not_preserve_and_changes_nothing(self, lab):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            await two.station(ONE)
            session = two.handle(0).session
            session.update(a=1)
            with pytest.raises(TypeError, match="that JSON preserves, got another one for 'b'"):
                session.update(a=2, b={1: "one"})
            with pytest.raises(ValueError, match="at most 16384 characters"):
                session["c"] = "x" * 16384
            assert session == {"a": 1}

        lab.play(story())

    def test_survives_a_registry_that_is_away(self, lab):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            station = await two.station(ONE)
            two.shared.is_available = False
            two.handle(0).session["tenant"] = "acme"
            await station.close()
            await lab.run(minutes=1)
            two.shared.is_available = True
            await lab.run(seconds=2)
            await two.station(TWO)
            assert two.handle(1).session == {"tenant": "acme"}

        lab.play(story())

    def test_that_a_closing_server_cannot_write_is_reported(self, lab, caplog):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            await two.station(ONE)
            two.shared.is_available = False
            two.handle(0).session["tenant"] = "acme"
            await two.servers[0].close()
            assert "not written for the other servers: sessions: 1, stations with responses: 0" in caplog.text

        lab.play(story())

    def test_belongs_to_its_principal(self, lab):
        passwords = {"CP1": "a-password-of-16-characters"}
        two = Two(lab, "sessions", security_profile=1, credentials=passwords, session_ttl=600)
        two.servers[1].reconfigure(security_profile=0, credentials=None, unauthenticated_sessions=True)

        async def story():
            await two.listen()
            known = {"security_profile": 1, "password": passwords["CP1"]}
            station = await lab.station("CP1", port=ONE, reconnect=False, **known)
            two.handle(0).session["tenant"] = "acme"
            await station.client.close()
            other = await two.station(TWO)
            assert two.handle(1).session == {}
            await other.close()
            await lab.station("CP1", port=ONE, reconnect=False, **known)
            assert two.handle(0).session == {"tenant": "acme"}

        lab.play(story())

    def test_that_cannot_be_read_refuses_the_station(self, lab, monkeypatch):
        two = Two(lab, "sessions", **SESSIONS)

        async def story():
            await two.listen()
            monkeypatch.setattr(two.shared._shared, "read", unavailable)  # after the claim
            with pytest.raises(UnexpectedHttpResponse) as refused:
                await two.station(ONE)
            assert refused.value.status == 503
            await asyncio.sleep(0.1)
            assert two.shared.stations == 0

        lab.play(story())


class TestAResponse:
    def test_is_repeated_by_another_server(self, lab):
        two = Two(lab, "answers")

        async def story():
            await two.listen()
            first = await (await two.station(ONE)).call("StartTransaction", START, message_id="m1")
            await asyncio.sleep(0.1)
            station = await two.station(TWO)
            assert await station.call("StartTransaction", START, message_id="m1") == first
            assert two.started == [0]

        lab.play(story())

    def test_is_only_for_copies_of_its_call_within_the_window(self, lab):
        two = Two(lab, "answers")

        async def story():
            await two.listen()
            station = await two.station(ONE)
            await station.call("StartTransaction", START, message_id="m1")
            await station.close()
            station = await two.station(TWO)
            await station.call("StartTransaction", {**START, "meterStart": 1}, message_id="m1")
            await station.close()
            await lab.run(minutes=3)
            await (await two.station(ONE)).call("StartTransaction", START, message_id="m1")
            assert two.started == [0, 1, 0]

        lab.play(story())

    def test_with_the_current_time_is_not_shared(self, lab):
        two = Two(lab, "answers")

        async def story():
            await two.listen()
            await (await two.station(ONE)).call("Heartbeat", {}, message_id="m1")
            await asyncio.sleep(0.1)
            assert two.shared._shared.read("CP1", None, 0.0).answers == ()

        lab.play(story())

    def test_counts_no_more_once_the_station_reuses_its_id(self, lab):
        two = Two(lab, "answers")

        async def story():
            await two.listen()
            station = await two.station(ONE)
            await station.call("StartTransaction", START, message_id="m1")
            await station.call("StartTransaction", {**START, "meterStart": 1}, message_id="m1")
            await asyncio.sleep(0.1)
            await (await two.station(TWO)).call("StartTransaction", START, message_id="m1")
            assert two.started == [0, 0, 1]

        lab.play(story())


class TestTheRateOfHandshakes:
    async def _attempts(self, two, number):
        """Return how many of these attempts, alternating between the servers, were not too fast."""
        passed = 0
        for attempt in range(number):
            with suppress(UnexpectedHttpResponse):
                await (await two.station((ONE, TWO)[attempt % 2])).close()
                passed += 1
            await asyncio.sleep(3)
        return passed

    def test_counts_over_all_servers(self, lab):
        two = Two(lab, "handshake_rate", handshake_rate=0.05, handshake_burst=5)

        async def story():
            await two.listen()
            assert 7 <= await self._attempts(two, 24) <= 9  # in 72 s: a burst and three or four

        lab.play(story())

    def test_is_that_of_one_server_while_the_registry_is_away(self, lab):
        two = Two(lab, "handshake_rate", handshake_rate=0.01, handshake_burst=2)

        async def story():
            await two.listen()
            two.shared.is_available = False
            statuses = []
            for port in (ONE, ONE, ONE, TWO):
                with pytest.raises(UnexpectedHttpResponse) as refused:
                    await two.station(port)
                statuses.append(refused.value.status)
            assert statuses == [503, 503, 429, 503]

        lab.play(story())


class TestTheOption:
    @pytest.mark.parametrize(
        ("share", "error", "text"),
        [
            ("sessions", TypeError, "a collection of names"),
            (["session"], ValueError, "'session'"),
        ],
    )
    def test_accepts_known_names(self, share, error, text):
        with pytest.raises(error, match=text):
            Cluster(MemoryCluster(), share=share)

    @pytest.mark.parametrize(("share", "text"), [("sessions", "session_ttl"), ("handshake_rate", "handshake_rate")])
    def test_is_refused_where_its_subject_is_off(self, share, text):
        with pytest.raises(ValueError, match=text):
            OCPPServer(protocols=["ocpp1.6"], cluster=Cluster(MemoryCluster(), share={share}))

    def test_needs_a_store_that_can_share(self):
        class Backend:
            new_store = new_carrier = lambda *_: None

        with pytest.raises(ValueError, match="use Redis or a MemoryCluster"):
            Cluster(mistyped(Backend()), share={"sessions"})
