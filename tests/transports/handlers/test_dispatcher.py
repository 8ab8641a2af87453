"""When handlers run: concurrently, bounded, in order, or held until somebody registers one."""

from itertools import pairwise

import pytest

from ocpp_core.inputs import Fail, Reply
from ocpp_transports._handlers._dispatcher import RUNNING, UNSERVED
from ocpp_transports._handlers._held import GRACE, HELD
from tests.transports.fake_host import FakeCompletion


async def for_ever(ctx):
    await FakeCompletion()


class TestConcurrency:
    def test_32_run_and_the_others_wait(self, station):
        station.handle("Heartbeat", for_ever)
        for _ in range(RUNNING + 100):
            station.receive()
        station.host.run()
        assert len(station.host.tasks) == RUNNING == 32
        assert station.answers == []

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_handlers_start_in_the_order_of_arrival(self, make_station, newest_first):
        station = make_station(newest_first=newest_first)
        started = []

        async def handler(ctx):
            started.append(ctx.message_id)

        station.handle("Heartbeat", handler)
        for _ in range(RUNNING + 40):
            station.receive()
        station.host.run()
        assert started == [f"id{n + 1}" for n in range(RUNNING + 40)]

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_a_plain_function_does_not_overtake_a_task_that_has_not_begun(self, make_station, newest_first):
        station = make_station(newest_first=newest_first)
        begun = []

        async def start(ctx):
            begun.append("StartTransaction")
            await FakeCompletion()

        station.handle("StartTransaction", start)
        for action in ("MeterValues", "StopTransaction"):
            station.handle(action, lambda ctx: begun.append(ctx.action))
        for action in ("StartTransaction", "MeterValues", "StopTransaction"):
            station.receive(action)
        assert begun == []
        station.host.run()
        assert begun == ["StartTransaction", "MeterValues", "StopTransaction"]

    def test_plain_functions_run_at_once(self, station):
        station.handle("Heartbeat", lambda ctx: {})
        station.receive()
        assert station.answers == [Reply(1, {})]

    def test_what_came_later_does_not_overtake_what_waits(self, station):
        gates = []

        async def slow(ctx):
            gates.append(FakeCompletion())
            await gates[-1]

        station.handle("Slow", slow)
        station.handle("Quick", lambda ctx: {})
        for _ in range(RUNNING + 1):
            station.receive("Slow")
        station.call("Quick")
        assert station.answers == []
        gates[0].set_result(None)
        station.host.run()
        assert [answer.request for answer in station.answers] == [1]
        gates[1].set_result(None)
        station.host.run()
        assert [answer.request for answer in station.answers] == [1, 2, RUNNING + 2]

    def test_slow_plain_functions_that_waited_do_not_run_in_one_turn(self, station):
        gate, begun = FakeCompletion(), []

        async def first(ctx):
            await gate

        def slow(ctx):
            begun.append(ctx.message_id)
            station.host.work(1.0)

        station.handle("First", first)
        station.handle("Slow", slow)
        for _ in range(RUNNING):
            station.call("First")
        for _ in range(5):
            station.receive("Slow")
        gate.set_result(None)
        turns = []
        while station.host.turn():
            turns.append(len(begun))
        assert max(after - before for before, after in pairwise([0, *turns])) <= 2  # one by a task, one by a timer
        assert begun == [f"id{RUNNING + n}" for n in range(1, 6)]

    def test_answers_leave_as_they_come(self, station):
        gates = {}

        async def handler(ctx):
            gates[ctx.message_id] = FakeCompletion()
            await gates[ctx.message_id]

        station.handle("Heartbeat", handler)
        station.call()
        station.call()
        gates["id2"].set_result(None)
        station.host.run()
        assert station.answers == [Reply(2, {})]


class TestInOrder:
    def test_each_request_waits_for_the_one_before(self, make_station):
        station = make_station(in_order=True)
        gates = []

        async def slow(ctx):
            gates.append(FakeCompletion())
            await gates[-1]

        station.handle("Slow", slow)
        station.handle("Quick", lambda ctx: {})
        for action in ("Slow", "Quick", "Slow", "Quick"):
            station.call(action)
        assert len(gates) == 1
        gates[0].set_result(None)
        station.host.run()
        assert [answer.request for answer in station.answers] == [1, 2]
        gates[1].set_result(None)
        station.host.run()
        assert [answer.request for answer in station.answers] == [1, 2, 3, 4]

    def test_a_held_request_holds_those_behind_it(self, make_station):
        station = make_station(in_order=True, grace=GRACE)
        station.handle("Quick", lambda ctx: {"quick": True})
        station.call("Late")
        station.call("Quick")
        assert station.answers == []
        station.handle("Late", lambda ctx: {"late": True})
        station.host.run()
        assert station.answers == [Reply(1, {"late": True}), Reply(2, {"quick": True})]


class TestHolding:
    @pytest.fixture
    def station(self, make_station):
        return make_station(grace=GRACE)

    @pytest.mark.parametrize("registry", ["own", "server"])
    @pytest.mark.parametrize("key", [("ocpp1.6", "Heartbeat"), ("Heartbeat",), ()])
    def test_a_handler_registered_meanwhile_is_called_at_once(self, station, registry, key):
        station.call()
        assert station.answers == []
        getattr(station, registry).handle(*key, lambda *_: {"late": True})
        assert station.answers == []  # not in the midst of the code that registers it
        station.host.run()
        assert station.answers == [Reply(1, {"late": True})]

    def test_a_registry_made_meanwhile_is_searched_and_not_watched_twice(self, station):
        station.dispatcher.search((station.server,))
        station.call()
        station.dispatcher.search((station.own, station.server))
        assert len(station.own._watchers) == len(station.server._watchers) == 1
        station.own.handle("Heartbeat", lambda ctx: {"late": True})
        station.host.run()
        assert station.answers == [Reply(1, {"late": True})]
        station.dispatcher.release()
        assert station.own._watchers == station.server._watchers == ()

    def test_a_handler_for_something_else_wakes_nothing(self, station):
        station.call()
        station.handle("Authorize", lambda ctx: {})
        station.host.run()
        assert station.answers == []

    def test_requests_with_a_handler_are_not_held(self, station):
        station.handle("Heartbeat", lambda ctx: {})
        station.call("Unknown")
        station.call("Heartbeat")
        assert station.answers == [Reply(2, {})]

    def test_ends_with_its_release(self, station):
        station.call()
        station.dispatcher.release()
        station.dispatcher.release()
        assert station.answers == [Fail(1, "NotImplemented", "The action is not known here")]
        assert station.host.armed() == []
        station.call()
        assert len(station.answers) == 2

    def test_ends_after_one_second(self, station):
        station.call()
        station.host.advance(GRACE - 0.001)
        assert station.answers == []
        station.host.advance(0.001)
        assert GRACE == 1
        assert station.answers == [Fail(1, "NotImplemented", "The action is not known here")]

    def test_is_bounded(self, station):
        for _ in range(HELD):
            station.receive()
        assert station.answers == []
        assert station.call() == 101
        assert station.answers == [Fail(101, "NotImplemented", "The action is not known here")]

    def test_forgets_what_nobody_waits_for(self, station):
        """And says so: a copy of the CALL on the next connection is not to wait for it."""
        station.dispatcher.abandoned(station.call())
        assert station.answers == [Fail(1, "InternalError")]
        station.dispatcher.release()
        assert len(station.answers) == 1

    def test_arms_and_watches_nothing_until_something_is_held(self, station):
        assert station.host.armed() == []
        assert station.server._watchers == ()
        station.call()
        station.call()
        assert len(station.host.armed()) == len(station.server._watchers) == 1

    def test_leaves_nothing_in_a_shared_registry(self, station):
        station.call()
        station.dispatcher.release()
        assert station.server._watchers == ()


class TestAnActionWithoutAHandler:
    def test_is_told_of_once(self, station):
        for action in ("Heartbeat", "Heartbeat", "Reset", "Heartbeat"):
            station.call(action)
        assert station.unserved == ["Heartbeat", "Reset"]

    def test_is_told_of_when_it_is_a_send_which_nobody_answers(self, station):
        station.call(expects_reply=False)
        assert station.unserved == ["Heartbeat"]

    def test_is_told_of_in_short_and_not_without_end(self, station):
        for number in range(2 * UNSERVED):
            station.call(f"{number:<999}")
        assert len(station.unserved) == UNSERVED
        assert max(map(len, station.unserved)) == 100
        assert len(station.answers) == 2 * UNSERVED
