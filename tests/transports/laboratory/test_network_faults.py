"""What the virtual network does to bytes, with the semantics of TCP."""

import asyncio

import pytest

from ocpp_transports.laboratory import run
from ocpp_transports.laboratory._network._conditions import Conditions
from tests.transports.laboratory.raw import Lab


class TestAConnection:
    def test_takes_a_round_trip_and_its_bytes_half_of_one(self):
        async def story():
            lab = Lab()
            station = await lab.dial()
            assert asyncio.get_running_loop().time() == 1.0
            station.transport.write(b"hello")
            await asyncio.sleep(1)
            lab.accepted[0].transport.write(b"welcome")
            await asyncio.sleep(1)
            assert lab.accepted[0].events == [(1.5, b"hello")]
            assert station.events == [(2.5, b"welcome")]

        run(story())

    @pytest.mark.parametrize("port", [9001, 9000])
    def test_is_refused_after_a_round_trip_without_a_listener_or_if_the_test_says_so(self, port):
        async def story():
            lab = Lab(refuse=port == 9000)
            with pytest.raises(ConnectionRefusedError):
                await lab.dial(port=port)
            assert asyncio.get_running_loop().time() == 1.0
            assert (lab.net.counts.refused, lab.net.links) == (1, {})

        run(story())

    def test_is_reset_if_the_listener_closes_before_it_accepts(self):
        async def story():
            lab = Lab()
            station = await lab.dial()
            await lab.listener.aclose()
            await asyncio.sleep(2)
            assert station.last == (2.0, "lost", ConnectionResetError)
            assert lab.net.links == {}

        run(story())

    def test_ends_in_order(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            station.transport.write(b"bye")
            station.transport.close()
            await asyncio.sleep(2)
            assert station.last == (2.0, "lost", type(None))
            assert server.events == [(2.5, b"bye"), (2.5, "eof"), (2.5, "lost", type(None))]
            assert lab.net.links == {}

        run(story())

    @pytest.mark.parametrize("is_partitioned", [False, True])
    def test_is_reset_by_bytes_for_an_end_that_is_gone(self, is_partitioned):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            if is_partitioned:
                lab.net.partition("CP1")
            server.transport.write(b"one")
            station.transport.abort()
            await asyncio.sleep(5)
            if is_partitioned:
                assert server.events == []
                lab.net.heal()
                await asyncio.sleep(5)
            assert "lost" in server.last
            assert (station.data, lab.net.links) == (b"", {})

        run(story())


class TestTheWay:
    def test_keeps_the_order_whatever_the_jitter(self):
        async def story():
            lab = Lab(jitter=2.0, loss=0.3)
            station, server = await lab.pair()
            for number in range(50):
                station.transport.write(b"%d " % number)
                await asyncio.sleep(0.1)
            await asyncio.sleep(10)
            assert server.data.split() == [b"%d" % number for number in range(50)]
            assert len({time for time, _ in server.events}) > 10

        run(story())

    def test_has_a_bandwidth(self):
        async def story():
            lab = Lab(bandwidth=1000)
            station, server = await lab.pair()
            for _ in range(3):
                station.transport.write(b"x" * 500)
            await asyncio.sleep(10)
            assert [time for time, _ in server.events] == [3.0, 3.5, 4.0]

        run(story())

    def test_sends_what_is_lost_again(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            lab.net.set("CP1", "server", {"loss": 1.0})
            station.transport.write(b"up")
            server.transport.write(b"down")
            await asyncio.sleep(10)
            assert (server.events, station.events) == ([(2.7, b"up")], [(2.5, b"down")])

        run(story())

    def test_chops_chunks(self):
        async def story():
            lab = Lab(chop=1.0)
            station, server = await lab.pair()
            station.transport.write(bytes(range(200)))
            await asyncio.sleep(10)
            assert server.data == bytes(range(200))
            assert 1 < len(server.events) <= 4

        run(story())

    def test_has_conditions_within_their_ranges(self):
        with pytest.raises(ValueError, match=r"expected loss .* 1, got 2"):
            Conditions(loss=2)
        with pytest.raises(ValueError, match=r"expected latency .* seconds, got -1"):
            Conditions(latency=-1)


class TestASlowReader:
    def test_reads_so_many_bytes_a_second(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            lab.net.set("CP1", "station", {"slow": 20_000})
            server.transport.write(b"x" * 100_000)
            await asyncio.sleep(60)
            assert len(station.data) == 100_000
            assert 7.0 < station.last[0] < 8.0  # after 2.5 s and 5 s more

        run(story())

    def test_fills_the_window_and_then_the_buffer_of_the_sender(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            station.transport.pause_reading()
            server.transport.write(b"x" * 65536)
            assert server.transport.get_write_buffer_size() == 0
            server.transport.write(b"y" * 65536)
            assert not server.is_paused
            server.transport.write(b"z")
            assert (server.is_paused, server.transport.get_write_buffer_size()) == (True, 65537)
            await asyncio.sleep(100)
            assert station.data == b""
            station.transport.resume_reading()
            await asyncio.sleep(100)
            assert station.data == b"x" * 65536 + b"y" * 65536 + b"z"
            assert not server.is_paused

        run(story())


class TestACut:
    def test_resets_both_ends_and_loses_what_is_on_the_way(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            station.transport.write(b"lost")
            lab.net.cut("CP1")
            await asyncio.sleep(10)
            assert station.events == server.events == [(2.0, "lost", ConnectionResetError)]
            assert lab.net.links == {}

        run(story())

    def test_of_a_connection_that_the_server_has_not_accepted_ends_one_that_the_station_gave_up(self):
        async def story():
            lab = Lab()
            station = await lab.dial()
            lab.net.partition("CP1")
            station.transport.abort()
            await asyncio.sleep(1)
            lab.net.cut("CP1")
            assert lab.net.links == {}
            assert lab.net.counts.connections == 1

        run(story())

    def test_may_come_by_chance_instead_of_a_chunk(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            lab.net.set("CP1", None, {"cut": 1.0})
            station.transport.write(b"x" * 200_000)
            await asyncio.sleep(10)
            assert station.events == server.events == [(2.0, "lost", ConnectionResetError)]

        run(story())

    def test_is_for_the_stations_that_are_named(self):
        async def story():
            lab = Lab()
            (one, _), (two, _) = await lab.pair("CP1"), await lab.pair("CP2")
            lab.net.cut("CP2")
            await asyncio.sleep(1)
            assert (one.events, two.last[1]) == ([], "lost")

        run(story())

    @pytest.mark.parametrize("harm", ["cut", "freeze", "lose_station"])
    def test_of_a_station_that_nobody_knows_is_refused(self, harm):
        async def story():
            lab = Lab()
            one, _ = await lab.pair("CP1")
            before = lab.net.counts.faults
            with pytest.raises(ValueError, match=r"expected a station that has connected \('CP1'\), got 'CP9'"):
                getattr(lab.net, harm)("CP1", "CP9")
            assert (one.events, lab.net.counts.faults) == ([], before)

        run(story())


class TestAPartition:
    def test_holds_bytes_until_it_is_healed(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            station.transport.write(b"before ")
            await asyncio.sleep(0.1)
            lab.net.partition("CP1")
            station.transport.write(b"during ")
            await asyncio.sleep(800)
            assert server.events == []
            lab.net.heal("CP1")
            station.transport.write(b"after")
            await asyncio.sleep(10)
            assert server.data == b"before during after"
            assert server.events[0][0] == 802.6

        run(story())

    def test_ends_a_sender_after_925_seconds(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            lab.net.partition("CP1")
            station.transport.write(b"x")
            await asyncio.sleep(2000)
            assert station.events == [(2.0 + 925, "lost", TimeoutError)]
            assert server.events == []  # it has sent nothing
            server.transport.write(b"y")
            await asyncio.sleep(2000)
            assert (server.last[1:], lab.net.links) == (("lost", TimeoutError), {})

        run(story())

    def test_holds_an_attempt_to_connect_and_ends_it_after_127_seconds(self):
        async def story():
            lab, loop = Lab(), asyncio.get_running_loop()
            lab.net.partition("CP1")
            loop.call_at(60, lab.net.heal)
            await lab.dial()
            assert loop.time() == 61.0
            lab.net.partition("CP1")
            with pytest.raises(TimeoutError):
                await lab.dial()
            assert loop.time() == 61.0 + 127

        run(story())


class TestAFreeze:
    def test_loses_the_present_connection_in_silence_and_no_new_one(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            lab.net.freeze("CP1")
            station.transport.write(b"x")
            server.transport.write(b"y")
            lab.net.heal()
            new, accepted = await lab.pair()
            new.transport.write(b"hello")
            await asyncio.sleep(100)
            assert (station.events, server.events, accepted.data) == ([], [], b"hello")
            station.transport.abort()
            server.transport.abort()
            await asyncio.sleep(1)
            assert len(lab.net.links) == 1

        run(story())

    def test_of_a_connection_that_the_server_has_not_accepted_ends_one_that_the_station_gave_up(self):
        async def story():
            lab = Lab()
            station = await lab.dial()
            lab.net.partition("CP1")
            station.transport.abort()
            await asyncio.sleep(1)
            assert len(lab.net.links) == 1  # the server may still accept it
            lab.net.freeze("CP1")
            assert lab.net.links == {}

        run(story())


class TestAnEndThatVanishes:
    def test_is_noticed_by_the_next_bytes(self):
        async def story():
            lab = Lab()
            station, server = await lab.pair()
            lab.net.lose_station("CP1")
            await asyncio.sleep(100)
            assert (station.last[1], server.events) == ("lost", [])
            server.transport.write(b"are you there")
            await asyncio.sleep(100)
            assert server.events == [(103.0, "lost", ConnectionResetError)]
            assert lab.net.links == {}

        run(story())


class TestChance:
    @staticmethod
    def play(seed, *, others=0):
        async def story():
            lab = Lab(seed, jitter=1.0, loss=0.2, chop=0.5)
            station, server = await lab.pair("CP1")
            for number in range(others):
                other, _ = await lab.pair("CP2")
                other.transport.write(b"%d" % number)
            for _ in range(20):
                station.transport.write(b"0123456789")
            await asyncio.sleep(60)
            begun = server.events[0][0]
            return [(round(time - begun, 3), data) for time, data in server.events]

        return run(story())

    def test_is_the_same_for_the_same_seed_and_differs_for_another(self):
        assert self.play("1") == self.play("1") != self.play("2")

    def test_of_one_connection_does_not_depend_on_others(self):
        assert self.play("1") == self.play("1", others=3)
