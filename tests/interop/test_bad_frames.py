"""Stations that send what they must not, over real sockets: the right close code or answer, and nobody else notices."""

import json

import anyio
import pytest

from ocpp_core.versions import version_of
from ocpp_transports import ConnectionLostError
from tests.interop.raw import hello, serves_a_good_station, station
from tests.link.wire import BINARY, CLOSE, CONTINUATION, PING, TEXT, frame
from tests.transports.pairs import first, serving, station_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_left")]

LIMIT = 1000
TOO_BIG = {
    "a message over the limit": frame(TEXT, b"x" * (LIMIT + 1)),
    "no more than its header": frame(TEXT, length=1 << 40),
    "a message over the limit in fragments": frame(TEXT, b"x" * LIMIT, fin=False) + frame(CONTINUATION, b"x"),
    "fragments without end": frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 2000,
}
INVALID = {
    "text that is no UTF-8": frame(TEXT, b'[2,"\xff","Heartbeat",{}]'),
    "a surrogate in UTF-8": frame(TEXT, b"\xed\xa0\x80"),
    "text cut inside a character": frame(TEXT, b"\xc3"),
    "a close reason that is no UTF-8": frame(CLOSE, b"\x03\xe8\xff"),
}
BROKEN = {
    "an unmasked frame": frame(TEXT, b'[2,"1","Heartbeat",{}]', masked=False),
    "a reserved opcode": frame(3, b"x"),
    "a reserved control opcode": frame(11),
    "a reserved bit": frame(TEXT, b"x", rsv=2),
    "compression that was not agreed on": frame(TEXT, b"x", rsv=4),
    "a fragmented ping": frame(PING, fin=False),
    "a ping of 126 bytes": frame(PING, b"x" * 126),
    "a continuation frame without a message": frame(CONTINUATION, b"x"),
    "a message inside another one": frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"),
    "a length in too long a form": bytes([0x81, 0xFE, 0, 5]) + bytes(9),
    "a close frame of one byte": frame(CLOSE, b"\x03"),
    "a close code that is never sent": frame(CLOSE, (1006).to_bytes(2)),
    "another HTTP request": hello(),
    "a TLS client's first words": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),
}
CLOSED = [
    *((data, 1009, name) for name, data in TOO_BIG.items()),
    *((data, 1007, name) for name, data in INVALID.items()),
    *((data, 1002, name) for name, data in BROKEN.items()),
]


@pytest.fixture(scope="module")
async def csms(anyio_backend):
    """A server of all versions that lives through all that the tests of this module do to it."""
    options = {"strict_mode": True, "warm_up": False, "handler_grace": 0, "max_message_size": 1 << 17}
    async with serving(protocols=["ocpp2.1", "ocpp2.0.1", "ocpp1.6"], **options) as (server, listener):
        server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-03-01T12:00:00Z"})
        async with station(listener.port, "good") as raw:
            await raw.text([2, "1", "Heartbeat", {}])
            await raw.message()
        yield server, listener


class TestBrokenFrames:
    @pytest.mark.parametrize(("data", "code"), [case[:2] for case in CLOSED], ids=[case[2] for case in CLOSED])
    async def test_close_the_connection_by_the_code_for_them(self, csms, data, code):
        server, listener = csms
        async with station(listener.port) as raw:
            handle = await station_of(server)
            handle.reconfigure(max_message_size=LIMIT)
            async with handle.events("disconnect") as losses:
                await raw.text([2, "before", "Heartbeat", {}])
                await raw.send(data)
                assert (await raw.message())[:2] == [3, "before"]
                assert (await raw.closed())[0] == code
                await raw.half_close()
                await raw.end()
                assert (await first(losses)).code == code
            assert server.get_client("CP1") is None
        await still_serves(listener)

    async def test_settle_the_calls_in_flight_as_lost(self):
        async with serving() as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)

            async def call():
                with pytest.raises(ConnectionLostError) as caught:
                    await handle.call("Reset", {"type": "Soft"})
                assert (caught.value.sent, caught.value.close_code) == (True, 1002)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await raw.message()
                await raw.send(frame(3))
                await raw.half_close()

    async def test_are_not_read_beyond(self):
        """What comes behind a broken frame is nobody's message any more."""
        seen = []
        async with serving() as (server, listener), station(listener.port) as raw:
            server.handle(lambda action, ctx: seen.append(action))
            await raw.send(frame(TEXT, b'[2,"1","One",{}]') + frame(3) + frame(TEXT, b'[2,"2","Two",{}]'))
            assert (await raw.message())[1] == "1"
            await raw.closed()
            await raw.text([2, "3", "Three", {}])
            await raw.half_close()
            await raw.end()
        assert seen == ["One"]


async def still_serves(listener):
    """See that a good station is served; its whole life is one exchange."""
    async with station(listener.port, "good") as raw:
        await raw.text([2, "1", "Heartbeat", {}])
        assert (await raw.message())[:2] == [3, "1"]


FORMAT, FRAMEWORK, TYPE = "FormatViolation", "RpcFrameworkError", "MessageTypeNotSupported"
DEEP = "[" * 100_000
LONG_ID = "i" * 37
UNREADABLE = {
    "no JSON": "hello",
    "an object": '{"x":1}',
    "a text": '"[2]"',
    "an empty list": "[]",
    "a list cut short": "[2,",
    "brackets without end": DEEP,
    "a byte order mark": '\ufeff[2,"a","Heartbeat",{}]',
    "a NUL": "\0",
    "a fraction as type": '[2.0,"a","Heartbeat",{}]',
    "a truth as type": '[true,"a","Heartbeat",{}]',
    "a text as type": '["2","a","Heartbeat",{}]',
    "a number as id": '[2,5,"Heartbeat",{}]',
    "no id": '[2,null,"Heartbeat",{}]',
    "an id of 100,000 digits": f'[2,{"9" * 100_000},"Heartbeat",{{}}]',
    "half a surrogate pair as id": '[2,"\\ud800","Heartbeat",{}]',
}
MALFORMED = {
    "a CALL cut short": '[2,"a","Heartbeat"',
    "two messages in one": '[2,"a","Heartbeat",{}][2,"b","Heartbeat",{}]',
    "NaN": '[2,"a","Heartbeat",{"x":NaN}]',
    "minus infinity": '[2,"a","Heartbeat",{"x":-Infinity}]',
    "a number beyond any float": '[2,"a","Heartbeat",{"x":1e999}]',
    "a number of 100,000 digits": f'[2,"a","Heartbeat",{{"x":{"9" * 100_000}}}]',
    "a payload nested without end": f'[2,"a","Heartbeat",{DEEP}',
    "a payload nested 128 levels": '[2,"a","Heartbeat",' + '{"x":' * 128 + "1" + "}" * 128 + "]",
    "an action too few": '[2,"a",{}]',
    "an element too many": '[2,"a","Heartbeat",{},{}]',
    "a list as payload": '[2,"a","Heartbeat",[]]',
    "no payload": '[2,"a","Heartbeat",null]',
    "a number as action": '[2,"a",7,{}]',
    "an empty action": '[2,"a","",{}]',
    "half a surrogate pair as action": '[2,"a","\\udfff",{}]',
}
UNANSWERED = {
    "a CALLRESULT cut short": '[3,"a"',
    "a CALLRESULT of two elements": '[3,"a"]',
    "a CALLRESULT without a readable id": "[3,5,{}]",
    "a CALLERROR of two elements": '[4,"a"]',
}
UNMATCHED = {
    "a CALLRESULT of no CALL": '[3,"zz",{}]',
    "a CALLERROR of no CALL": '[4,"zz","GenericError","",{}]',
    "a CALLERROR about the unreadable": '[4,"-1","RpcFrameworkError","",{}]',
}
UNKNOWN_TYPES = {"type 9": '[9,"a"]', "type -1": '[-1,"a",{}]', "a type of 30 digits": f'[{"9" * 30},"a"]'}
VERSIONS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]


@pytest.mark.parametrize("protocol", VERSIONS)
class TestBadMessages:
    """Each is answered by the version's CALLERROR or only reported; the connection lives on."""

    async def replies(self, csms, protocol, *messages):
        """Send messages, and a good CALL behind them; give what was answered before that CALL, and what was told."""
        server, listener = csms
        told = []
        async with station(listener.port, protocol, offer=protocol) as raw:
            handle = await station_of(server, protocol)
            for name in ("bad_message", "violation", "error"):
                handle.on(name, lambda event, name=name: told.append((name, event)))
            for message in messages:
                await raw.send(frame(BINARY, message) if isinstance(message, bytes) else frame(TEXT, message.encode()))
            await raw.text([2, "good", "Heartbeat", {}])
            replies = []
            while (reply := await raw.message())[1] != "good":
                replies.append(reply)
            assert reply[0] == 3
            await raw.send(frame(CLOSE))
        return replies, told

    async def test_whose_id_cannot_be_read_get_minus_one_on_2_x_and_nothing_on_1_6(self, csms, protocol):
        replies, told = await self.replies(csms, protocol, *UNREADABLE.values())
        expected = 0 if protocol == "ocpp1.6" else len(UNREADABLE)
        assert [reply[:3] for reply in replies] == [[4, "-1", FRAMEWORK]] * expected
        self.assert_told(told, UNREADABLE.values())

    async def test_that_are_malformed_calls_get_a_callerror(self, csms, protocol):
        replies, told = await self.replies(csms, protocol, *MALFORMED.values())
        code = version_of(protocol).spell(FORMAT)
        assert [reply[:3] for reply in replies] == [[4, "a", code]] * len(MALFORMED)
        self.assert_told(told, MALFORMED.values())

    async def test_with_a_huge_id_get_it_back(self, csms, protocol):
        messages = [json.dumps([2, message_id, "Heartbeat", {}]) for message_id in (LONG_ID, LONG_ID * 2500)]
        replies, told = await self.replies(csms, protocol, *messages)
        code = version_of(protocol).spell(FRAMEWORK)
        assert [reply[:3] for reply in replies] == [[4, LONG_ID, code], [4, LONG_ID * 2500, code]]
        self.assert_told(told, messages)

    async def test_that_are_no_calls_get_nothing(self, csms, protocol):
        replies, told = await self.replies(csms, protocol, *UNANSWERED.values())
        assert replies == []
        self.assert_told(told, UNANSWERED.values())

    async def test_of_no_known_type_get_a_callerror_on_2_0_1_alone(self, csms, protocol):
        replies, told = await self.replies(csms, protocol, *UNKNOWN_TYPES.values())
        expected = len(UNKNOWN_TYPES) if protocol == "ocpp2.0.1" else 0
        assert [reply[:3] for reply in replies] == [[4, "a", TYPE]] * expected
        self.assert_told(told, UNKNOWN_TYPES.values())

    async def test_that_are_binary_get_nothing(self, csms, protocol):
        messages = [b'[2,"a","Heartbeat",{}]', b"\xff\xfe", b""]
        replies, told = await self.replies(csms, protocol, *messages)
        assert replies == []
        self.assert_told(told, messages)

    async def test_that_answer_nothing_get_no_answer(self, csms, protocol):
        replies, told = await self.replies(csms, protocol, *UNMATCHED.values())
        assert replies == []
        self.assert_told(told, UNMATCHED.values())

    async def test_that_are_empty_are_none(self, csms, protocol):
        assert await self.replies(csms, protocol, "", " \r\n ") == ([], [])

    async def test_that_break_their_schema_get_the_code_of_the_rule(self, csms, protocol):
        token = "idTag" if protocol == "ocpp1.6" else "idToken"
        messages = [
            '[2,"a","Heartbeat",{"surplus":1}]',
            '[2,"a","Authorize",{}]',
            f'[2,"a","Authorize",{{"{token}":{{}},"{token}":5}}]',
            f'[2,"a","Authorize",{{"{token}":null}}]',
        ]
        replies, told = await self.replies(csms, protocol, *messages)
        names = [FORMAT, "OccurrenceConstraintViolation", *["TypeConstraintViolation"] * 2]
        codes = [version_of(protocol).spell(name) for name in names]
        assert [reply[:3] for reply in replies] == [[4, "a", code] for code in codes]
        assert [(name, event.error.code) for name, event in told] == [("violation", code) for code in codes]

    def assert_told(self, told, messages):
        """Each is told as it came, with an error that says what was expected."""
        assert [(name, event.message) for name, event in told] == [("bad_message", message) for message in messages]


class TestTooManyBadMessages:
    async def test_close_the_connection_by_1002(self):
        async with serving(max_bad_messages=3) as (server, listener), station(listener.port) as raw:
            handle = await station_of(server)
            async with handle.events("bad_message", "close") as events:
                for _ in range(5):
                    await raw.text("hello")
                assert await raw.closed() == (1002, "Too many bad messages")
                await raw.send(frame(CLOSE, (1002).to_bytes(2)))
                await raw.end()
                told = [type(event).__name__ async for event in events]
            assert told == ["BadMessageEvent"] * 3 + ["CloseEvent"]
            await serves_a_good_station(server, listener)

    async def test_are_counted_for_each_connection_anew(self):
        async with serving(max_bad_messages=2) as (_, listener):
            for _ in range(3):
                async with station(listener.port) as raw:
                    await raw.text("hello")
                    await raw.text([2, "1", "Nonsense", {}])
                    assert (await raw.message())[:3] == [4, "1", "NotImplemented"]
