"""Calls to the peer: one at a time, matched by message ID, also within handlers."""

import asyncio
import dataclasses
import json

import pytest

from ocpp_transports.compat import exceptions
from ocpp_transports.compat.charge_point import ChargePoint as AnyVersion
from ocpp_transports.compat.routing import on
from ocpp_transports.compat.v16 import ChargePoint, call, call_result
from tests.transports.compat.wire import LostError, Station, Wire, settled, until

pytestmark = pytest.mark.anyio

ACCEPTED = {"status": "Accepted"}


@pytest.fixture
async def cp():
    """A station whose `start` runs."""
    station = Station("CP1", Wire())
    reading = asyncio.create_task(station.start())
    yield station
    reading.cancel()
    await asyncio.wait({reading})


class TestTheAnswer:
    async def test_it_is_an_object_of_the_same_name_and_its_objects_stay_dicts(self, cp):
        cp._connection.answers["Authorize"] = {"idTagInfo": {"status": "Accepted", "parentIdTag": "P"}}
        assert await cp.call(call.Authorize("T")) == call_result.Authorize(
            id_tag_info={"status": "Accepted", "parent_id_tag": "P"}
        )
        assert cp._connection.sent[0][2:] == ["Authorize", {"idTag": "T"}]

    async def test_a_payload_class_of_old_gets_one_of_its_own_kind(self, cp):
        cp._connection.answers["Heartbeat"] = {"currentTime": "now"}
        assert type(await cp.call(call.HeartbeatPayload())) is call_result.HeartbeatPayload

    async def test_a_class_of_the_program_named_like_the_action_will_do(self, cp):
        cp._connection.answers["Heartbeat"] = {"currentTime": "now", "vendorThing": 1}
        heartbeat = dataclasses.make_dataclass("Heartbeat", ["my_thing"])
        answer = await cp.call(heartbeat({"deepKey": None, "other_key": 1}), skip_schema_validation=True)
        assert answer == call_result.Heartbeat(current_time="now")
        assert cp._connection.sent[0][3] == {"myThing": {"otherKey": 1}}

    async def test_an_invalid_one_raises_in_the_caller(self, cp):
        cp._connection.answers["Heartbeat"] = {}
        with pytest.raises(exceptions.ProtocolError):
            await cp.call(call.Heartbeat())
        cp._connection.answers["Heartbeat"] = []
        with pytest.raises(exceptions.TypeConstraintViolationError):
            await cp.call(call.Heartbeat(), skip_schema_validation=True)

    async def test_a_malformed_one_raises_at_once(self, cp):
        asking = asyncio.create_task(cp.call(call.Heartbeat(), unique_id="h"))
        await cp._connection.next()
        cp._connection.feed([3, "h"])
        with pytest.raises(exceptions.FormatViolationError):
            await asking


class TestARefusedCall:
    @pytest.fixture
    def refuse(self, cp):
        async def refuse(code="SecurityError", **options):
            asking = asyncio.create_task(cp.call(call.Heartbeat(), **options))
            request = await cp._connection.next()
            cp._connection.feed([4, request[1], code, "no", {"a": 1}])
            return await asking

        return refuse

    async def test_it_raises(self, refuse):
        with pytest.raises(exceptions.SecurityError) as caught:
            await refuse()
        assert caught.value == exceptions.SecurityError("no", {"a": 1})
        with pytest.raises(exceptions.UnknownCallErrorCodeError):
            await refuse("OutOfCoffee")

    async def test_it_is_none_with_suppress_or_for_a_whole_program(self, cp, refuse, monkeypatch):
        assert await refuse(suppress=True) is None
        monkeypatch.setattr(AnyVersion, "suppress_call_errors", True)
        assert await refuse() is None
        with pytest.raises(exceptions.SecurityError):
            await refuse(suppress=False)
        cp.suppress_call_errors = False
        with pytest.raises(exceptions.SecurityError):
            await refuse()

    async def test_the_option_of_the_constructor_is_that_of_the_object(self):
        assert ChargePoint("CP1", Wire(), suppress_call_errors=True).suppress_call_errors is True
        assert ChargePoint("CP1", Wire()).suppress_call_errors is False

    async def test_a_wrong_payload_is_not_sent(self, cp):
        with pytest.raises(exceptions.FormatViolationError):
            await cp.call(call.Reset(type="Sideways"))
        with pytest.raises(TypeError, match="expected a dataclass instance as payload, got dict"):
            await cp.call({"type": "Soft"})
        with pytest.raises(AttributeError):
            await cp.call(dataclasses.make_dataclass("Fly", [])(), skip_schema_validation=True)
        assert cp._connection.sent == []


class TestTheLine:
    async def test_one_call_at_a_time_in_order(self, cp):
        cp._unique_id_generator = iter(range(9)).__next__
        asking = [asyncio.create_task(cp.call(call.ClearCache())) for _ in range(3)]
        for expected in "012":
            request = await cp._connection.next()
            await settled()
            assert request[1] == expected
            assert cp._connection.sent == []
            cp._connection.feed([3, expected, ACCEPTED])
        assert [await task for task in asking] == [call_result.ClearCache("Accepted")] * 3

    async def test_a_timeout_counts_from_the_sending_and_frees_the_line(self, cp):
        cp._response_timeout = 0.01
        with pytest.raises(asyncio.TimeoutError, match=r"Waited 0\.01s for response on ClearCache"):
            await cp.call(call.ClearCache(), unique_id="late")
        cp._response_timeout = 30
        assert cp._call_lock.locked() is False
        cp._connection.feed([3, "late", ACCEPTED])
        cp._connection.answers["ClearCache"] = {"status": "Rejected"}
        assert await cp.call(call.ClearCache()) == call_result.ClearCache("Rejected")
        assert cp._response_queue.unmatched == 1

    async def test_a_cancelled_call_frees_it_as_well(self, cp):
        asking = asyncio.create_task(cp.call(call.ClearCache()))
        await cp._connection.next()
        asking.cancel()
        cp._connection.answers["ClearCache"] = ACCEPTED
        assert await cp.call(call.ClearCache()) == call_result.ClearCache("Accepted")

    async def test_responses_that_nobody_expects_are_counted_and_do_not_pile_up(self, cp):
        for number in range(100):
            await cp.route_message(json.dumps([3, str(number), ACCEPTED]))
        assert cp._response_queue.unmatched == 100
        assert len(cp._response_queue._kept) == 4
        asking = asyncio.create_task(cp.call(call.ClearCache(), unique_id="99"))
        await cp._connection.next()
        cp._connection.feed([3, "99", {"status": "Rejected"}])
        assert (await asking).status == "Rejected"

    async def test_a_response_that_arrives_while_the_request_is_sent_is_not_missed(self):
        class Direct(Wire):
            async def send(self, text):
                request = json.loads(text)
                await direct.route_message(json.dumps([3, request[1], ACCEPTED]))

        direct = Station("CP1", Direct())
        assert await direct.call(call.ClearCache()) == call_result.ClearCache("Accepted")


class Asking(Station):
    """A station that asks the peer before it answers, or waits."""

    opened: asyncio.Event

    @on("ClearCache")
    async def on_clear_cache(self):
        return call_result.ClearCache(status=(await self.call(call.DataTransfer("v"))).status)

    @on("UnlockConnector")
    async def on_unlock(self, connector_id):
        await self.opened.wait()
        return call_result.UnlockConnector(status="Unlocked")


class TestAHandlerThatCallsBack:
    @pytest.mark.parametrize("loop", ["start", "a loop of the program"])
    async def test_it_gets_its_answer_before_it_answers(self, loop):
        cp = Asking("CP1", Wire())

        async def feed():
            while True:
                await cp.route_message(await cp._connection.recv())

        reading = asyncio.create_task(cp.start() if loop == "start" else feed())
        cp._connection.feed([2, "a", "ClearCache", {}])
        request = await cp._connection.next()
        assert request[2] == "DataTransfer"
        cp._connection.feed([2, "b", "Reset", {"type": "Soft"}])
        cp._connection.feed([3, request[1], ACCEPTED])
        assert [await cp._connection.next(), await cp._connection.next()] == [[3, "a", ACCEPTED], [3, "b", ACCEPTED]]
        reading.cancel()

    async def test_a_slow_one_does_not_delay_the_response_to_another_call(self):
        cp = Asking("CP1", Wire())
        cp.opened = asyncio.Event()
        reading = asyncio.create_task(cp.start())
        cp._connection.feed([2, "a", "UnlockConnector", {"connectorId": 1}])
        await settled()
        cp._connection.answers["ClearCache"] = ACCEPTED
        assert await cp.call(call.ClearCache()) == call_result.ClearCache("Accepted")
        cp._connection.sent.clear()
        cp.opened.set()
        assert await cp._connection.next() == [3, "a", {"status": "Unlocked"}]
        reading.cancel()

    async def test_one_that_feeds_a_request_itself_does_not_wait_for_its_own_turn(self):
        class Nested(Asking):
            @on("ClearCache")
            async def on_clear_cache(self):
                await self.route_message('[2,"inner","Reset",{"type":"Soft"}]')
                return call_result.ClearCache("Accepted")

        cp = Nested("CP1", Wire())
        await cp.route_message('[2,"outer","ClearCache",{}]')
        assert [message[1] for message in cp._connection.sent] == ["inner", "outer"]

    async def test_reading_stops_when_too_many_requests_wait(self):
        cp = Asking("CP1", Wire())
        cp.opened = asyncio.Event()
        reading = asyncio.create_task(cp.start())
        asking = asyncio.create_task(cp.call(call.ClearCache()))
        for number in range(200):
            cp._connection.feed([2, str(number), "UnlockConnector", {"connectorId": 1}])
        await settled()
        await until(lambda: cp._connection._received.qsize() <= 99)
        await settled()
        assert cp._connection._received.qsize() == 99
        cp.opened.set()
        answers = [await cp._connection.next() for _ in range(201)][1:]
        assert [message[1] for message in answers] == [str(number) for number in range(200)]
        reading.cancel()
        asking.cancel()

    async def test_it_stops_as_well_when_they_are_too_large_together(self):
        cp = Asking("CP1", Wire())
        cp.opened = asyncio.Event()
        cp.route_map["UnlockConnector"]["_skip_schema_validation"] = True
        reading = asyncio.create_task(cp.start())
        asking = asyncio.create_task(cp.call(call.ClearCache()))
        for name in "abc":
            cp._connection.feed([2, name, "UnlockConnector", {"connectorId": "x" * 600_000}])
        await settled()
        assert cp._connection._received.qsize() == 1
        reading.cancel()
        asking.cancel()

    @pytest.mark.parametrize(
        ("second", "extra"),
        [
            ([2, "a", "UnlockConnector", {"connectorId": 1}], []),
            ([2, "a", "Reset", {"type": "Soft"}], [[4, "a", "GenericError", "the message ID is in use", {}]]),
        ],
    )
    async def test_a_second_request_with_the_id_of_one_in_progress_is_not_handled(self, second, extra):
        cp = Asking("CP1", Wire())
        cp.opened = asyncio.Event()
        first = asyncio.create_task(cp.route_message('[2, "a", "UnlockConnector", {"connectorId": 1}]'))
        await settled()
        await cp.route_message(json.dumps(second))
        cp.opened.set()
        await first
        assert cp._connection.sent == [*extra, [3, "a", {"status": "Unlocked"}]]


class TestTheEndOfAConnection:
    async def test_its_exception_passes_through_start_and_causes_that_of_waiting_calls(self):
        cp = Station("CP1", Wire())
        reading = asyncio.create_task(cp.start())
        asking = asyncio.create_task(cp.call(call.ClearCache()))
        await cp._connection.next()
        cp._connection.feed(LostError())
        with pytest.raises(LostError) as ended:
            await reading
        with pytest.raises(exceptions.ResponseLostError, match="the connection ended") as lost:
            await asking
        assert isinstance(lost.value, TimeoutError)
        assert isinstance(lost.value, ConnectionError)
        assert lost.value.__cause__ is ended.value

    async def test_a_handler_is_completed_and_requests_that_wait_are_dropped(self):
        cp = Asking("CP1", Wire())
        cp.opened = asyncio.Event()
        reading = asyncio.create_task(cp.start())
        asking = asyncio.create_task(cp.call(call.ClearCache()))
        await cp._connection.next()
        cp._connection.feed([2, "a", "UnlockConnector", {"connectorId": 1}])
        cp._connection.feed([2, "b", "Reset", {"type": "Soft"}])
        cp._connection.feed(LostError())
        await asyncio.wait({reading, asking})
        cp.opened.set()
        assert await cp._connection.next() == [3, "a", {"status": "Unlocked"}]
        await settled()
        assert cp._connection.sent == []
        assert isinstance(reading.exception(), LostError)
        assert isinstance(asking.exception(), exceptions.ResponseLostError)

    async def test_cancelling_start_cancels_its_handlers(self):
        class Noting(Asking):
            @on("UnlockConnector")
            async def on_unlock(self, connector_id):
                try:
                    await asyncio.Event().wait()
                finally:
                    self.ended = True

        cp = Noting("CP1", Wire())
        reading = asyncio.create_task(cp.start())
        cp._connection.feed([2, "a", "UnlockConnector", {"connectorId": 1}])
        await settled()
        reading.cancel()
        await asyncio.wait({reading})
        assert reading.cancelled()
        assert cp.ended
        assert cp._connection.sent == []

    async def test_a_new_connection_gets_neither_old_calls_nor_old_answers(self, caplog):
        cp = Asking("CP1", Wire())
        cp.opened = asyncio.Event()
        reading = asyncio.create_task(cp.start())
        asking = asyncio.create_task(cp.call(call.ClearCache()))
        await cp._connection.next()
        cp._connection.feed([2, "a", "UnlockConnector", {"connectorId": 1}])
        await settled()
        old, cp._connection = cp._connection, Wire()
        with pytest.raises(exceptions.ResponseLostError, match="the connection was replaced"):
            await asking
        cp._connection.answers["ClearCache"] = ACCEPTED
        again = asyncio.create_task(cp.start())
        assert await cp.call(call.ClearCache()) == call_result.ClearCache("Accepted")
        cp.opened.set()
        await until(lambda: "Dropping the answer" in caplog.text)
        assert [message[0] for message in (*old.sent, *cp._connection.sent)] == [2]
        reading.cancel()
        again.cancel()

    async def test_a_handler_of_the_old_connection_does_not_hold_the_new_one(self):
        cp = Asking("CP1", Wire())
        cp.opened = asyncio.Event()
        old = asyncio.create_task(cp.route_message('[2,"a","UnlockConnector",{"connectorId":1}]'))
        waiting = asyncio.create_task(cp.route_message('[2,"b","Reset",{"type":"Soft"}]'))
        await settled()
        cp._connection = Wire()
        for name in "ab":
            await cp.route_message(json.dumps([2, name, "Reset", {"type": "Hard"}]))
        assert cp._connection.sent == [[3, name, {"status": "Rejected"}] for name in "ab"]
        cp.opened.set()
        await asyncio.gather(old, waiting)
        assert len(cp._connection.sent) == 2

    async def test_what_a_handler_raises_after_the_loss_is_logged(self, caplog):
        class Closing(Wire):
            async def send(self, text):
                if self.is_closed:
                    raise LostError("closed")
                await super().send(text)

            is_closed = False

        cp = Asking("CP1", Closing())
        reading = asyncio.create_task(cp.start())
        cp._connection.feed([2, "a", "ClearCache", {}])
        await cp._connection.next()
        cp._connection.is_closed = True
        cp._connection.feed(LostError())
        with pytest.raises(LostError):
            await reading
        await until(lambda: "Error while handling a request" in caplog.text)
        assert caplog.records[-1].exc_info[0] is LostError

    async def test_a_send_that_fails_ends_start(self):
        class Broken(Wire):
            async def send(self, text):
                raise LostError

        cp = Station("CP1", Broken())
        cp._connection.feed([2, "a", "Reset", {"type": "Soft"}])
        with pytest.raises(LostError):
            await cp.start()
        with pytest.raises(LostError):
            await cp.call(call.ClearCache())


def test_without_asyncio_it_is_said_what_it_needs():
    cp = Station("CP1", Wire())
    with pytest.raises(RuntimeError, match="needs a running event loop of asyncio; on trio, use"):
        cp.start().send(None)
