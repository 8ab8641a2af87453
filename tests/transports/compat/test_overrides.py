"""The methods and attributes with an underscore that programs override, read and set."""

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import pytest

from ocpp_transports.compat import exceptions
from ocpp_transports.compat.messages import Call, CallError, CallResult, unpack
from ocpp_transports.compat.v16 import ChargePoint, call, call_result
from tests.transports.compat.wire import Station, Wire

pytestmark = pytest.mark.anyio

RESET = '[2,"1","Reset",{"type":"Soft"}]'
ACCEPTED = {"status": "Accepted"}


class TestAnOverride:
    async def test_route_message_sees_every_frame_first_and_send_every_frame_last(self):
        class Tapped(Station):
            def __init__(self, *args):
                self.frames = []  # before super().__init__, as programs do
                super().__init__(*args)

            async def route_message(self, raw_msg):
                self.frames.append(("in", raw_msg))
                await super().route_message(raw_msg)

            async def _send(self, message):
                self.frames.append(("out", message))
                await super()._send(message)

        cp = Tapped("CP1", Wire())
        reading = asyncio.create_task(cp.start())
        cp._connection.feed(RESET)
        await cp._connection.next()
        asking = asyncio.create_task(cp.call(call.ClearCache(), unique_id="c"))
        await cp._connection.next()
        cp._connection.feed('[3,"c",{"status":"Accepted"}]')
        await asking
        cp._connection.feed("nonsense")
        cp._connection.feed('[2,"2","Fly",{}]')
        error = await cp._connection.next()
        assert cp.frames == [
            ("in", RESET),
            ("out", '[3,"1",{"status":"Accepted"}]'),
            ("out", '[2,"c","ClearCache",{}]'),
            ("in", '[3,"c",{"status":"Accepted"}]'),
            ("in", "nonsense"),
            ("in", '[2,"2","Fly",{}]'),
            ("out", json.dumps(error, separators=(",", ":"))),
        ]
        reading.cancel()

    async def test_handle_call_raises_for_what_is_refused_and_returns_the_answer(self):
        class Answering(Station):
            async def _handle_call(self, msg):
                try:
                    self.answer = await super()._handle_call(msg)
                except exceptions.NotImplementedError as error:
                    await self._send(msg.create_call_error(error).to_json())
                return

        cp = Answering("CP1", Wire())
        await cp.route_message(RESET)
        assert isinstance(cp.answer, CallResult)
        assert cp.answer.payload == ACCEPTED
        await cp.route_message('[2,"2","Heartbeat",{}]')
        assert [message[:2] for message in cp._connection.sent] == [[3, "1"], [4, "2"]]
        answer = await cp._handle_call(Call("3", "Reset", {"type": "Soft"}))
        assert answer is None
        assert cp._connection.sent[-1] == [3, "3", ACCEPTED]

    async def test_get_specific_response_is_asked_for_every_call_and_gets_both_kinds(self):
        class Raising(Station):
            responses: list[Any]

            async def _get_specific_response(self, unique_id, timeout):
                response = await super()._get_specific_response(unique_id, timeout)
                if isinstance(response, CallError):
                    raise response.to_exception()
                self.responses.append(response)
                return response

        cp = Raising("CP1", Wire())
        cp.responses = []
        asking = asyncio.create_task(cp.call(call.ClearCache(), True, "c"))
        await cp._connection.next()
        await cp.route_message('[4,"c","GenericError","",{}]')
        with pytest.raises(exceptions.GenericError):
            await asking
        cp._connection.answers["ClearCache"] = ACCEPTED
        reading = asyncio.create_task(cp.start())
        await cp.call(call.ClearCache())
        assert [type(response) for response in cp.responses] == [CallResult]
        reading.cancel()

    async def test_a_call_of_the_program_s_own_may_use_the_parts(self):
        class Own(Station):
            async def ask(self, payload):
                async with self._call_lock:
                    request = Call(str(self._unique_id_generator()), type(payload).__name__, {})
                    await self._send(request.to_json())
                    await asyncio.sleep(0)
                    return await self._get_specific_response(request.unique_id, self._response_timeout)

        class Direct(Wire):
            async def send(self, text):
                await cp.route_message(json.dumps([3, json.loads(text)[1], ACCEPTED]))

        cp = Own("CP1", Direct())
        assert (await cp.ask(call.ClearCache())).payload == ACCEPTED

    async def test_an_own_start_may_feed_route_message(self):
        class Own(Station):
            async def start(self):
                while True:
                    await self.route_message(await self._connection.recv())

        cp = Own("CP1", Wire())
        reading = asyncio.create_task(cp.start())
        cp._connection.feed(RESET.encode())
        assert await cp._connection.next() == [3, "1", ACCEPTED]
        reading.cancel()


class TestAnAttribute:
    async def test_the_connection_is_the_object_that_was_passed(self):
        wire = Wire()
        cp = Station("CP1", wire)
        assert cp._connection is wire
        bare = Station.__new__(Station)
        with pytest.raises(AttributeError, match=r"call super\(\).__init__ first"):
            bare._connection.close()
        bare._connection = wire
        assert bare._connection is wire

    async def test_a_queue_of_the_program_s_own_is_used(self):
        cp = Station("CP1", Wire())
        cp._response_queue = asyncio.Queue()
        cp._connection.answers["ClearCache"] = ACCEPTED
        cp._response_queue.put_nowait(CallResult("other", {}))
        reading = asyncio.create_task(cp.start())
        assert (await cp.call(call.ClearCache())).status == "Accepted"
        cp._response_timeout = 0.01
        del cp._connection.answers["ClearCache"]
        with pytest.raises(asyncio.TimeoutError):
            await cp.call(call.ClearCache())
        reading.cancel()

    async def test_the_generator_of_ids_is_read_at_each_call_and_its_result_is_text(self):
        cp = Station("CP1", Wire())
        reading = asyncio.create_task(cp.start())
        cp._connection.answers["ClearCache"] = ACCEPTED
        cp._unique_id_generator = lambda: 5
        await cp.call(call.ClearCache())
        cp._unique_id_generator = lambda: "six"
        await cp.call(call.ClearCache())
        assert [message[1] for message in cp._connection.sent] == ["5", "six"]
        reading.cancel()

    async def test_the_lock_may_be_replaced_and_calls_are_matched_even_so(self):
        cp = Station("CP1", Wire())
        cp._call_lock = asyncio.Semaphore(2)
        first, second = (asyncio.create_task(cp.call(call.ClearCache(), unique_id=name)) for name in "ab")
        await cp._connection.next()
        await cp._connection.next()
        await cp.route_message('[3,"b",{"status":"Rejected"}]')
        await cp.route_message('[3,"a",{"status":"Accepted"}]')
        assert (await first, await second) == (call_result.ClearCache("Accepted"), call_result.ClearCache("Rejected"))

    async def test_the_map_of_handlers_may_be_replaced(self):
        cp = Station("CP1", Wire())
        cp.route_map = {"ClearCache": {"_on_action": lambda: {"status": "Accepted"}}}
        await cp.route_message('[2,"1","ClearCache",{}]')
        await cp.route_message(RESET)
        assert [message[0] for message in cp._connection.sent] == [3, 4]

    async def test_a_handler_may_be_any_callable(self):
        @dataclass  # has no hash
        class Clear:
            def __call__(self, call_unique_id):
                return {"status": "Accepted" if call_unique_id == "1" else "Rejected"}

        cp = Station("CP1", Wire())
        after = mock.Mock(return_value=None)
        cp.route_map = {
            "ClearCache": {"_on_action": Clear(), "_after_action": after},
            "Heartbeat": {"_on_action": partial(call_result.Heartbeat, "now")},
            "GetConfiguration": {"_on_action": dict, "_skip_schema_validation": True},
        }
        for action, answer in (
            ("ClearCache", ACCEPTED),
            ("Heartbeat", {"currentTime": "now"}),
            ("GetConfiguration", {"myKey": 1}),
        ):
            await cp.route_message(json.dumps([2, "1", action, {"myKey": 1} if action == "GetConfiguration" else {}]))
            assert cp._connection.sent.pop() == [3, "1", answer]
        after.assert_called_once_with()


BROKEN: list[tuple[Any, ...]] = [
    ('[2,"7","X"]', [4, "7", "FormationViolation"], [4, "7", "FormatViolation"]),
    ('[2,7,"X"]', [4, 7, "FormationViolation"], [4, 7, "FormatViolation"]),
    ('[2,"7","Reset",{},1]', [4, "7", "FormationViolation"], [4, "7", "FormatViolation"]),
    ('[2,"7",{"a":1},{}]', [4, "7", "FormationViolation"], [4, "7", "FormatViolation"]),
    ('[2,"7",["a"],{}]', [4, "7", "FormationViolation"], [4, "7", "FormatViolation"]),
    ('[2,"7","Reset",{"type":', [4, "7", "FormationViolation"], [4, "7", "FormatViolation"]),
    (f'[2,"7","Reset",{{"type":{"[" * 500}{"]" * 500}}}]', [4, "7", "FormationViolation"], [4, "7", "FormatViolation"]),
    ('[2,null,"Reset",{}]', None, [4, "-1", "RpcFrameworkError"]),
    ("nonsense", None, [4, "-1", "RpcFrameworkError"]),
    (b"\xff", None, [4, "-1", "RpcFrameworkError"]),
    ("[" * 3000, None, [4, "-1", "RpcFrameworkError"]),
    ("{}", None, [4, "-1", "RpcFrameworkError"]),
    ("[]", None, [4, "-1", "RpcFrameworkError"]),
    ("", None, None),
    ('[5,"7","a","b",{}]', None, [4, "7", "MessageTypeNotSupported"]),
    ('[3,"7"]', None, None),
    ('[3,{"a":1},{}]', None, None),
    ('[4,"7"]', None, None),
]


@pytest.mark.parametrize(("column", "version"), [(1, "1.6"), (2, "2.0.1")])
async def test_a_broken_frame_is_answered_or_logged_and_the_session_lives(column, version, caplog):
    for row in BROKEN:
        caplog.clear()
        cp = Station("CP1", Wire())
        cp._ocpp_version = version
        await cp.route_message(row[0])
        answers = [message[:3] for message in cp._connection.sent]
        assert answers == [row[column]] * (row[column] is not None), row[0]
        assert "Unable to parse message" in caplog.text, row[0]
        await cp.route_message('[2,"1","Fly",{}]')
        assert cp._connection.sent[-1][2] == "NotSupported"


async def test_the_messages_that_2_1_adds_are_logged():
    cp = Station("CP1", Wire())
    cp._ocpp_version = "2.1"
    for frame in ('[5,"7","a","b",{}]', '[6,"7","NotifyPeriodicEventStream",{}]'):
        await cp.route_message(frame)
    assert cp._connection.sent == []
    with pytest.raises(exceptions.PropertyConstraintViolationError):
        unpack('[6,"7","NotifyPeriodicEventStream",{}]')


def test_there_is_no_further_name_that_could_be_one_of_a_program():
    theirs = pytest.importorskip("ocpp.v16").ChargePoint("CP1", Wire())
    ours = ChargePoint("CP1", Wire())

    def names(cp):
        inherited = {name for each in type(cp).__mro__[:-1] for name in vars(each)}
        return {name for name in {*vars(cp), *inherited} if not name.startswith("__")}

    further = {"_compat_inbound", "_compat_outbound", "convert_custom_data", "suppress_call_errors"}
    assert names(ours) == names(theirs) | further
