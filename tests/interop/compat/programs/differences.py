# mypy: ignore-errors
"""What is different on purpose, each with its visible effect."""

import asyncio
import contextlib
import gc
import logging

from ocpp import v16, v21, v201
from ocpp.exceptions import FormatViolationError, OccurenceConstraintViolationError, OCPPError
from ocpp.messages import Call, CallResult
from ocpp.routing import after, on

ACCEPTED = {"status": "Accepted"}
SOFT = {"type": "Soft"}
RESPONSE_TIMEOUT = 10
THREE = '[2,"1","Reset",{"type":"Soft"},{}]'


class Station(v16.ChargePoint):
    """Does in its handler what `act` does."""

    act = staticmethod(lambda: v16.call_result.Reset("Accepted"))
    hook = staticmethod(lambda: None)

    @on("Reset")
    async def on_reset(self, **kwargs):
        result = self.act()
        return await result if asyncio.iscoroutine(result) else result

    @after("Reset")
    def after_reset(self, **kwargs):
        return self.hook()


@contextlib.asynccontextmanager
async def running(peer, act=Station.act, hook=Station.hook, kind=Station):
    """Run a station; yields it with the task of `start`."""
    station = kind("CP1", peer, RESPONSE_TIMEOUT)
    station.act, station.hook = act, hook
    task = asyncio.create_task(station.start())
    yield station, task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


async def settled(task):
    """Return what ended `start`, or None if it goes on."""
    for _ in range(50):
        await asyncio.sleep(0)
    return type(task.exception()).__name__ if task.done() else None


async def outcome(awaitable):
    try:
        return await awaitable
    except Exception as error:
        return type(error).__name__


async def call_error_by_default(peer):
    peer.answers = {"ClearCache": ("SecurityError", "no", {})}
    async with running(peer) as (station, _):
        return await outcome(station.call(v16.call.ClearCache()))


async def call_within_handler(peer):
    async def act():
        await station.call(v16.call.Heartbeat())
        return v16.call_result.Reset("Accepted")

    peer.answers = {"Heartbeat": {"currentTime": "now"}}
    async with running(peer, act) as (station, _):
        return (await peer.request("Reset", SOFT))[:2]


async def response_behind_a_slow_handler(peer):
    release = asyncio.Event()

    async def act():
        await release.wait()
        return v16.call_result.Reset("Accepted")

    peer.answers = {"ClearCache": ACCEPTED}
    async with running(peer, act) as (station, _):
        peer.feed([2, "1", "Reset", SOFT])
        await asyncio.sleep(0)
        result = await outcome(station.call(v16.call.ClearCache()))
        release.set()
        return result if isinstance(result, str) else result.status


async def broken_frames(peer):
    seen = []
    nested = "[" * 100_000  # Python 3.13 reads thousands of levels
    for frame in ('[2,"7","X"]', THREE, '[2,"7",{"a":1},{}]', '[2,"7",["a"],{}]', nested, '[5,"7"]'):
        peer.frames.clear()
        async with running(peer) as (_, task):
            peer.feed(frame)
            ended = await settled(task)
            seen.append([ended, [sent[2] for direction, sent in peer.frames if direction == ">"]])
    return seen


async def wrong_results(peer):
    seen = []
    for result in (None, ACCEPTED, v16.call_result.Reset("Wrong")):
        peer.frames.clear()
        async with running(peer, lambda result=result: result) as (_, task):
            peer.feed([2, "1", "Reset", SOFT])
            ended = await settled(task)
            seen.append([ended, [sent[2] for direction, sent in peer.frames if direction == ">"]])
    return seen


async def exceptions_of_hooks(peer):
    seen = []
    for error in (KeyError("x"), ValueError("x"), FormatViolationError("x")):
        peer.frames.clear()

        def hook(error=error):
            raise error

        async with running(peer, hook=hook) as (_, task):
            peer.feed([2, "1", "Reset", SOFT])
            ended = await settled(task)
            seen.append([ended, [sent[0] for direction, sent in peer.frames if direction == ">"]])
    return seen


async def unrouted_of_2_1(peer):
    station = v21.ChargePoint("CP1", peer)
    for action in ("Heartbeat", "GetTariffs", "Fly"):
        await station.route_message(Call(action, action, {}).to_json())
    return [sent[2] for _, sent in peer.frames]


async def names_of_2_1(peer):
    power = v21.call.NotifySettlement("psp", "Settled", 1.0, "2026-01-01T00:00:00Z", receipt_url="u")
    with contextlib.suppress(asyncio.TimeoutError):
        await v21.ChargePoint("CP1", peer, 0.01).call(power, skip_schema_validation=True)
    return sorted(peer.frames[0][1][3])


async def bodies_of_vendors(peer):
    data = {"fooUrl": 1, "MyKey": {"a_b": 2}}

    class Receiver(v201.ChargePoint):
        @on("DataTransfer")
        def on_data(self, vendor_id, data, custom_data):
            self.seen = [data, custom_data]
            return v201.call_result.DataTransfer("Accepted", data=data, custom_data=custom_data)

    async with running(peer, kind=Receiver) as (receiver, _):
        payload = {"vendorId": "v", "data": data, "customData": {"vendorId": "v", "socKet": 1}}
        answer = await peer.request("DataTransfer", payload)
        return [receiver.seen, answer[1]["data"], answer[1]["customData"]]


async def codes_of_1_6(peer):
    async with running(peer) as (station, _):
        await peer.request("Reset", {"type": "Wrong"})

        def act():
            raise OCPPError("no code")

        station.act = act
        peer.feed([2, "2", "Reset", SOFT])
        ended = await settled(_)
    return [ended, [sent[2] for direction, sent in peer.frames if direction == ">"]]


async def extra_property_without_validation(peer):
    peer.answers = {"Reset": ACCEPTED | {"later": 1}}
    async with running(peer) as (station, _):
        return type(await outcome(station.call(v16.call.Reset("Soft"), skip_schema_validation=True))).__name__


async def connection_lost_while_a_call_waits(peer):
    async with running(peer) as (station, task):
        call = asyncio.create_task(outcome(station.call(v16.call.ClearCache())))
        await peer.sent(1)
        peer.close()
        with contextlib.suppress(Exception):
            await task
        return await call


async def same_id_twice(peer):
    release = asyncio.Event()
    runs = []

    async def act():
        runs.append(1)
        await release.wait()
        return v16.call_result.Reset("Accepted")

    async with running(peer, act) as (station, _):
        frame = '[2,"1","Reset",{"type":"Soft"}]'
        tasks = [asyncio.create_task(station.route_message(frame)) for _ in range(2)]
        await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*tasks)
    return len(runs)


async def responses_of_nobody(peer):
    log = logging.getLogger("not kept")
    log.disabled = True  # a test keeps what is logged
    station = v16.ChargePoint("CP1", peer, 30, log)
    for number in range(100):
        await station.route_message(f'[3,"{number}",{{}}]')
    return sum(type(each) is CallResult for each in gc.get_objects()) >= 100


async def error_has_a_hash(peer):
    try:
        return isinstance(hash(OccurenceConstraintViolationError()), int)
    except TypeError:
        return "TypeError"
