"""Calls that block, to many stations at a time."""

from contextlib import suppress

import pytest

from ocpp_core import v16
from ocpp_transports import NOREPLY, ClosedError, TimeoutError
from ocpp_transports.blocking import BlockingServer
from ocpp_transports.fleet import Answered, NotSent, Unanswered
from tests.transports.blocking.waiting import SECONDS

ACCEPTED = {"status": "Accepted"}


def accepting(client):
    client.handle("Reset", lambda ctx: ACCEPTED)


class TestManyStations:
    def test_are_called_and_waited_for(self, connect, server):
        with connect("CP1", before=accepting), connect("CP2", before=accepting):
            outcomes = server.broadcast(v16.Reset(type="Soft")).wait(max_wait=SECONDS)
            assert {outcome.identity for outcome in outcomes} == {"CP1", "CP2"}
            only = server.broadcast("Reset", {"type": "Soft"}, where=lambda each: each.call("Reset")["status"] == "no")
            assert only.wait() == ()
            assert server.broadcast("Reset", where=lambda each: each.identity == "CP2").wait() == (
                Answered("CP2", ACCEPTED),
            )

    def test_are_iterated_over(self, connect, server):
        with (
            connect("CP1", before=accepting),
            server.call_many("Reset", {"CP1": {"type": "Soft"}, "CP9": {"type": "Soft"}}) as calls,
        ):
            assert calls.total == 2
            assert {outcome.identity: type(outcome) for outcome in calls} == {"CP1": Answered, "CP9": NotSent}
            assert list(calls) == []

    def test_are_left_at_the_end_of_the_block_and_after_max_wait(self, connect, server):
        with connect("CP1", before=lambda client: client.handle("Reset", lambda ctx: NOREPLY), call_timeout=SECONDS):
            with server.broadcast("Reset", timeout=SECONDS) as calls:
                assert calls.total == 1
            assert list(calls) == []
            with pytest.raises(TimeoutError):
                server.broadcast("Reset", timeout=SECONDS).wait(max_wait=0.01)

    def test_of_a_server_that_closes_in_the_block_are_reported_all_the_same(self, connect, server):
        with (
            connect("CP1", before=lambda client: client.handle("Reset", lambda ctx: NOREPLY)),
            server.broadcast("Reset", timeout=SECONDS) as calls,
        ):
            server.close(await_pending=False)
            seen = []
            with suppress(ClosedError):  # in place of outcomes that the end of the event loop prevented
                seen += calls
            assert [type(outcome) for outcome in seen] in ([], [Unanswered])
            assert list(calls) == []

    def test_raise_for_bad_requests_and_wrong_use(self, server):
        with pytest.raises(TypeError):
            server.call_many("Reset", {"CP1": 5}).wait()
        with pytest.raises(TypeError), server.call_many("Reset", {"CP1": 5}):
            pass
        calls = server.broadcast("Reset")
        with pytest.raises(RuntimeError, match="cannot iterate: the stations are not called"):
            next(calls)
        assert calls.wait() == ()
        with pytest.raises(RuntimeError, match="cannot use a FleetCall twice"):
            calls.wait()

    def test_need_an_open_server(self, loop):
        with pytest.raises(RuntimeError, match="is not open"):
            BlockingServer(protocols=["ocpp1.6"], loop=loop).broadcast("Reset")

    def test_are_counted(self, connect, server):
        with connect():
            assert (server.stats().stations, server.stats().listeners) == (1, 1)
