"""Handlers that take longer than `handler_timeout`."""

from math import inf

import pytest

from ocpp_core.inputs import Fail, Reply
from ocpp_transports._handlers._dispatcher import HANDLER_TIMEOUT, RUNNING
from tests.transports.fake_host import Cancelled, FakeCompletion
from tests.transports.station import INTERNAL


class TestAHandlerThatNeverReturns:
    async def never(self, ctx):
        await FakeCompletion()

    def test_is_answered_for_reported_and_cancelled(self, station):
        station.handle("Heartbeat", self.never)
        station.call()
        station.host.advance(HANDLER_TIMEOUT)
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]
        ((action, error),) = station.failures
        assert (action, type(error), str(error)) == (
            "Heartbeat",
            TimeoutError,
            "the handler did not return within 30 s",
        )
        assert station.host.tasks == []
        assert station.host.armed() == []

    @pytest.mark.parametrize("is_at_work", [False, True])
    def test_keeps_no_connection_that_has_ended(self, station, is_at_work):
        """The timer for it refers to all that belongs to the connection."""
        gate = FakeCompletion()

        async def handler(ctx):
            await gate

        station.handle("Heartbeat", handler)
        station.call()
        if is_at_work:
            station.dispatcher.end()
            assert station.host.armed() != []
        gate.set_result(None)
        station.host.run()
        if not is_at_work:
            station.dispatcher.end()
        assert station.host.armed() == []

    def test_makes_room_for_those_that_wait(self, station):
        begun = []

        async def handler(ctx):
            begun.append(ctx.message_id)
            await FakeCompletion()

        station.handle("Heartbeat", handler)
        for _ in range(RUNNING + 100):
            station.receive()
        station.host.run()
        assert len(begun) == RUNNING
        station.host.advance(5 * HANDLER_TIMEOUT)
        assert len(begun) == len(station.answers) == RUNNING + 100
        assert station.host.tasks == []

    def test_has_its_own_time_whenever_it_began(self, make_station):
        station = make_station(handler_timeout=10)
        station.handle("Heartbeat", self.never)
        station.call()
        station.host.advance(6)
        station.call()
        station.host.advance(5)
        assert [answer.request for answer in station.answers] == [1]
        station.host.advance(6)
        assert [answer.request for answer in station.answers] == [1, 2]

    def test_and_does_not_let_itself_be_cancelled_holds_up_nobody(self, station):
        gate = FakeCompletion()

        async def stubborn(ctx):
            try:
                await FakeCompletion()
            except Cancelled:
                await gate
            return {"too": "late"}

        station.handle("Heartbeat", stubborn)
        station.call()
        station.host.advance(HANDLER_TIMEOUT)
        gate.set_result(None)
        station.host.run()
        assert [type(answer) for answer in station.answers] == [Fail]
        assert len(station.failures) == 1

    def test_is_given_up_although_it_has_answered(self, station):
        async def handler(ctx):
            ctx.reply({"status": "Accepted"})
            await FakeCompletion()

        station.handle("Heartbeat", handler)
        station.call()
        station.host.advance(HANDLER_TIMEOUT)
        assert station.answers == [Reply(1, {"status": "Accepted"})]
        assert [type(error) for _, error in station.failures] == [TimeoutError]
        assert station.host.tasks == []

    def test_may_go_on_where_there_is_no_limit(self, make_station):
        station = make_station(handler_timeout=inf)
        station.handle("Heartbeat", self.never)
        station.call()
        station.host.advance(1_000_000)
        assert (station.answers, station.host.armed()) == ([], [])

    def test_has_not_begun_when_its_time_is_over_is_never_run(self, make_station):
        station = make_station(handler_timeout=0.5)
        begun = []

        async def handler(ctx):
            begun.append(ctx.message_id)

        station.handle("Heartbeat", handler)
        station.receive()
        station.host.ring_early(0)  # the loop was held up: the alarm rings before the task has had a turn
        station.host.run()
        assert begun == []
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]

    @pytest.mark.parametrize("ends_first", ["the handler", "the connection"])
    def test_leaves_no_timer_behind_that_would_keep_the_connection(self, station, ends_first):
        gate = FakeCompletion()

        async def handler(ctx):
            await gate

        station.handle("Heartbeat", handler)
        station.call()
        steps = [lambda: gate.set_result(None), station.dispatcher.end]
        for step in steps if ends_first == "the handler" else reversed(steps):
            assert station.host.armed() != []
            step()
            station.host.run()
        assert station.host.armed() == []
