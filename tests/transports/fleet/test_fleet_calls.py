"""Calls to many stations: who is called, how many at a time, what each resulted in, and what ends them."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from ocpp_core import v16, v201
from ocpp_transports import (
    CallDroppedError,
    ClosedError,
    ConnectionLostError,
    OCPPServer,
    RPCError,
    RPCNotSupportedError,
    TimeoutError,
)
from ocpp_transports.fleet import Answered, Failed, NotSent, Refused, Unanswered
from tests.transports.pairs import SECONDS, client_of, serving, station_of

pytestmark = pytest.mark.anyio

ACCEPTED = {"status": "Accepted"}


@asynccontextmanager
async def fleet(*identities, answer=lambda ctx: ACCEPTED, **options):
    """Connect stations, which answer every Reset, to a server; yields it with the clients by identity."""
    async with serving(**options) as (server, listener), AsyncExitStack() as stack:
        clients = {}
        for identity in identities:
            client = await stack.enter_async_context(client_of(listener, identity))
            client.handle("Reset", answer)
            await client.connect()
            await station_of(server, identity)
            clients[identity] = client
        with anyio.fail_after(SECONDS):
            yield server, clients


class Elsewhere:
    """Stations without connections, all of which the same function answers."""

    def __init__(self, server, answer):
        self._answer = answer
        server.directory = self
        self.called: list[str] = []
        self.most = self.now = 0

    def get_client(self, identity, /):
        return None

    async def wait_for_client(self, identity, /):
        raise NotImplementedError

    wait_for_caller = wait_for_client

    def get_caller(self, identity, /):
        self.called.append(identity)
        return ElsewhereStation(self, identity)

    async def answer(self, identity, *args, **options):
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self._answer(identity, *args, **options)
        finally:
            self.now -= 1


class ElsewhereStation:
    def __init__(self, owner, identity):
        self._owner = owner
        self._identity = identity

    async def call(self, *args, **options):
        return await self._owner.answer(self._identity, *args, **options)


def many(number):
    return {f"CP{each}": {"type": "Soft"} for each in range(number)}


async def accept(identity, *args, **options):
    await anyio.lowlevel.checkpoint()
    return ACCEPTED


async def wait(identity, *args, **options):
    await anyio.sleep_forever()


class TestBroadcast:
    async def test_calls_every_station_and_returns_all_outcomes(self):
        async with fleet("CP1", "CP2", "CP3") as (server, _):
            outcomes = await server.broadcast("Reset", {"type": "Soft"})
            assert set(map(repr, outcomes)) == {f"Answered(identity='CP{each}', namespace='')" for each in (1, 2, 3)}
            assert all(isinstance(outcome, Answered) and outcome.result == ACCEPTED for outcome in outcomes)

    async def test_of_a_message_or_a_model_calls_the_stations_that_speak_its_version(self):
        async with fleet("CP1", protocols=["ocpp1.6", "ocpp2.0.1"]) as (server, _):
            assert await server.broadcast(v16.Reset(type="Soft")) == (Answered("CP1", ACCEPTED),)
            accepted = v16.models.ResetResponse(status="Accepted")
            assert await server.broadcast(v16.models.ResetRequest(type="Soft")) == (Answered("CP1", accepted),)
            assert await server.broadcast(v201.Reset(type="Immediate")) == ()

    async def test_calls_only_the_stations_of_where(self):
        async with fleet("CP1", "CP2") as (server, _):
            run = server.broadcast("Reset", {"type": "Soft"}, where=lambda station: station.identity == "CP2")
            assert run.total == 1
            assert [outcome.identity for outcome in await run] == ["CP2"]

    async def test_refuses_a_where_that_returns_a_coroutine(self):
        """It would count as True, and every station would be called."""

        async def nowhere(_station):
            return False

        where: Any = lambda station: nowhere(station)  # noqa: E731 - not recognized as a coroutine function
        async with fleet("CP1") as (server, _):
            with pytest.raises(TypeError, match="expected where to return bool, got coroutine"):
                server.broadcast("Reset", {"type": "Soft"}, where=where)

    async def test_without_stations_has_no_outcomes(self):
        async with fleet() as (server, _):
            assert await server.broadcast("Reset", {"type": "Soft"}) == ()

    async def test_reports_a_station_that_left_before_its_turn(self):
        async with fleet("CP1", "CP2") as (server, clients):
            async with server.broadcast("Reset", {"type": "Soft"}, concurrency=1) as run:
                gone = server.get_client("CP2")
                await clients["CP2"].close()
                await gone.close()
                outcomes = {outcome.identity: outcome async for outcome in run}
            assert isinstance(outcomes["CP1"], Answered)
            assert isinstance(outcomes["CP2"], NotSent)

    async def test_refuses_bad_arguments_at_once(self):
        wrong: list[Any] = [
            ((), {}, TypeError),
            (("Reset", 5), {}, TypeError),
            (("BootNotification", {}), {}, ValueError),
            (("Reset", {}), {"timeout": -1}, ValueError),
            (("Reset", {}), {"concurrency": 0}, ValueError),
            (("Reset", {}), {"concurrency": 2.5}, ValueError),
            (("Reset", {}), {"where": 5}, TypeError),
            (("Reset", {}), {"where": accept}, TypeError),
        ]
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            for args, options, error in wrong:
                with pytest.raises(error):
                    server.broadcast(*args, **options)


class TestCallMany:
    async def test_sends_each_station_a_request_of_its_own(self):
        def name_it(ctx):
            return {"status": ctx.client.identity + ctx.params["type"]}

        async with fleet("CP1", "CP2", answer=name_it) as (server, _):
            of_dicts = await server.call_many("Reset", {"CP1": {"type": "Soft"}, "CP2": {"type": "Hard"}})
            of_messages = await server.call_many({"CP1": v16.Reset(type="Soft"), "CP2": v16.Reset(type="Hard")})
            expected = {("CP1", "CP1Soft"), ("CP2", "CP2Hard")}
            for outcomes in (of_dicts, of_messages):
                assert {(o.identity, o.result["status"]) for o in outcomes if isinstance(o, Answered)} == expected

    async def test_reports_a_station_that_is_not_connected(self):
        async with fleet() as (server, _):
            (outcome,) = await server.call_many("Reset", {"CP9": {"type": "Soft"}})
            assert isinstance(outcome, NotSent)
            assert (outcome.identity, type(outcome.error)) == ("CP9", ConnectionLostError)

    async def test_checks_every_request_before_the_first_one_is_sent(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            directory = Elsewhere(server, accept)
            requests: Any = {**many(200), "bad": 5}
            with pytest.raises(TypeError):
                await server.call_many("Reset", requests)
            assert not directory.called

    async def test_expects_a_mapping_from_identities(self):
        wrong: list[Any] = [(), ("Reset",), ("Reset", [1]), ({1: {}},), (1, {}), ("Reset", {2: {}})]
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            for args in wrong:
                with pytest.raises(TypeError, match="expected a mapping from identities to requests"):
                    server.call_many(*args)


class TestOutcomes:
    async def test_tell_whether_the_station_has_seen_the_call(self):
        kinds: list[tuple[Exception, Any]] = [
            (RPCNotSupportedError(remote=True), Refused),
            (RPCError("FormationViolation", remote=False), Failed),
            (TimeoutError("late", sent=True), Unanswered),
            (TimeoutError("old", sent=False), NotSent),
            (ConnectionLostError("cut", sent=True), Unanswered),
            (ConnectionLostError("none", sent=False), NotSent),
            (CallDroppedError("full"), NotSent),
            (ClosedError("closed", sent=True), Unanswered),
            (ClosedError("closed"), NotSent),
            (LookupError("a fault of the directory"), Failed),
        ]

        async def fail(identity, *args, **options):
            raise kinds[int(identity[2:])][0]

        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            Elsewhere(server, fail)
            outcomes = await server.call_many("Reset", many(len(kinds)), concurrency=1)
            assert outcomes == tuple(kind(f"CP{each}", error) for each, (error, kind) in enumerate(kinds))

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_of_a_call_that_a_function_of_the_application_cancels_is_not_lost(self, anyio_backend):
        async def cancel(*args, **options):
            raise asyncio.CancelledError

        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            Elsewhere(server, cancel)
            outcomes = await server.call_many("Reset", many(3), concurrency=1)
            assert [type(outcome) for outcome in outcomes] == [Unanswered] * 3

    async def test_of_a_server_that_closes_settle_all_the_same(self):
        async def close(ctx):
            await server.close(await_pending=False)

        async with fleet("CP1", "CP2", answer=close) as (server, _):
            outcomes = await server.broadcast("Reset", {"type": "Soft"}, concurrency=1)
            assert [type(outcome) for outcome in outcomes] == [Unanswered, NotSent]


class TestConcurrency:
    async def test_is_limited(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            directory = Elsewhere(server, wait)
            for given, most in ((None, 100), (7, 7), (5_000, 150)):
                async with server.call_many("Reset", many(150), concurrency=given):
                    await anyio.wait_all_tasks_blocked()
                    assert directory.now == most

    async def test_is_an_option_of_the_server(self):
        async with OCPPServer(protocols=["ocpp1.6"], fleet_concurrency=3) as server:
            directory = Elsewhere(server, wait)
            async with server.call_many("Reset", many(20)):
                await anyio.wait_all_tasks_blocked()
                assert directory.now == 3

    async def test_leaves_turns_to_other_tasks_even_if_no_call_waits(self):
        async def fail(*args, **options):
            raise ConnectionLostError("not connected", sent=False)

        turns = 0

        async def count():
            nonlocal turns
            while True:
                turns += 1
                await anyio.lowlevel.checkpoint()

        async with OCPPServer(protocols=["ocpp1.6"]) as server, anyio.create_task_group() as tasks:
            Elsewhere(server, fail)
            tasks.start_soon(count)
            assert len(await server.call_many("Reset", many(500), concurrency=50)) == 500
            tasks.cancel_scope.cancel()
        assert turns >= 500 / 50

    async def test_keeps_no_more_outcomes_than_calls_if_the_reader_is_slow(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            directory = Elsewhere(server, accept)
            async with server.call_many("Reset", many(500), concurrency=10) as run:
                await anext(run)
                await anyio.wait_all_tasks_blocked()
                assert len(directory.called) == 11


class TestTheEnd:
    async def test_of_the_block_cancels_the_rest(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            directory = Elsewhere(server, wait)
            async with server.call_many("Reset", many(50), concurrency=5):
                await anyio.wait_all_tasks_blocked()
                assert directory.now == 5
            assert (directory.now, len(directory.called)) == (0, 5)

    async def test_of_the_task_cancels_the_rest(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            directory = Elsewhere(server, wait)
            with anyio.move_on_after(0.01) as scope:
                await server.call_many("Reset", many(50), concurrency=5)
            assert scope.cancelled_caught
            assert (directory.now, len(directory.called)) == (0, 5)

    async def test_by_an_exception_raises_it_as_it_is(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            directory = Elsewhere(server, wait)
            with pytest.raises(LookupError):
                await self.fail_within(server.call_many("Reset", many(50), concurrency=5))
            assert directory.now == 0

    async def fail_within(self, run):
        async with run:
            await anyio.wait_all_tasks_blocked()
            raise LookupError

    async def test_ends_the_iteration(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            Elsewhere(server, accept)
            run = server.call_many("Reset", many(2))
            async with run:
                assert len([outcome async for outcome in run]) == 2
                assert [outcome async for outcome in run] == []
            assert [outcome async for outcome in run] == []


class TestUse:
    async def test_is_once(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            run = server.broadcast("Reset", {"type": "Soft"})
            await run
            with pytest.raises(RuntimeError, match="cannot use a FleetCall twice"):
                await run

    async def test_by_iteration_needs_the_block(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            run = server.broadcast("Reset", {"type": "Soft"})
            with pytest.raises(RuntimeError, match="cannot iterate: the stations are not called"):
                await anext(run)
            await run

    async def test_that_never_happens_is_warned_about(self):
        async with OCPPServer(protocols=["ocpp1.6"]) as server:
            with pytest.warns(RuntimeWarning, match="<FleetCall of 0 stations> was never awaited"):
                server.broadcast("Reset", {"type": "Soft"})
