"""The registry of handlers: what is registered, what is found, what is wrapped around."""

from typing import Any

import pytest

from ocpp_core.actions import Direction
from ocpp_core.inputs import Decline, Fail, Reply
from ocpp_transports._handlers._contexts import CallContext
from ocpp_transports._handlers._table import NOREPLY, Handlers, compose
from tests.kinds import mistyped
from tests.transports.station import INTERNAL, later, throw


class TestRegistering:
    def test_works_in_three_forms_and_returns_the_handler(self):
        handlers = Handlers()
        assert handlers.handle("ocpp1.6", "Heartbeat", print) is print
        assert handlers.handle("Heartbeat", repr) is repr
        assert handlers.handle(vars) is vars

    def test_works_as_a_decorator_in_three_forms(self):
        handlers = Handlers()

        @handlers.handle("ocpp1.6", "Heartbeat")
        def versioned(ctx): ...

        @handlers.handle("Heartbeat")
        def plain(ctx): ...

        @handlers.handle
        def wildcard(action, ctx): ...

        assert handlers.targets["Heartbeat"]["ocpp1.6"].function is versioned
        assert handlers.targets["Heartbeat"][None].function is plain
        assert handlers.wildcard is not None
        assert handlers.wildcard.function is wildcard

    @pytest.mark.parametrize("key", [("ocpp1.6", "Heartbeat"), ("Heartbeat",), ()])
    def test_of_the_same_key_twice_is_refused(self, key):
        handlers: Any = Handlers()
        handlers.handle(*key, print)
        with pytest.raises(ValueError, match="there is one already"):
            handlers.handle(*key, print)
        handlers.remove_handler(*key)
        assert handlers.handle(*key, print) is print

    @pytest.mark.parametrize(
        "args", [(), ("",), ("a", "b", "c"), ("a", "b", "c", print), (1,), ("a", 2), (None, "a", print)]
    )
    def test_of_anything_else_is_refused(self, args):
        with pytest.raises(TypeError, match="expected"):
            Handlers().handle(*args)

    def test_of_what_cannot_be_called_is_refused(self):
        with pytest.raises(TypeError, match="expected a function"):
            Handlers().handle("Heartbeat")(mistyped(3))

    @pytest.mark.parametrize("key", [("ocpp1.6", "Heartbeat"), ("Heartbeat",), ()])
    def test_is_seen_and_undone_by_the_same_key(self, key):
        handlers: Any = Handlers()
        assert not handlers.has_handler(*key)
        handlers.handle(*key, print)
        assert handlers.has_handler(*key)
        handlers.remove_handler(*key)
        assert not handlers.has_handler(*key)
        handlers.remove_handler(*key)

    def test_is_undone_all_at_once(self):
        handlers: Any = Handlers()
        keys: list[tuple[str, ...]] = [("ocpp1.6", "Heartbeat"), ("Heartbeat",), ()]
        for key in keys:
            handlers.handle(*key, print)
        handlers.remove_all_handlers()
        assert not any(handlers.has_handler(*key) for key in keys)


class TestFinding:
    """Own before the server's, versioned before plain, every named one before any catch-all."""

    KEYS = (
        ("own", ("ocpp1.6", "Heartbeat")),
        ("own", ("Heartbeat",)),
        ("server", ("ocpp1.6", "Heartbeat")),
        ("server", ("Heartbeat",)),
        ("own", ()),
        ("server", ()),
    )

    @pytest.mark.parametrize("first", range(len(KEYS)))
    def test_takes_the_first_of_six_places(self, station, first):
        for place, (registry, key) in list(enumerate(self.KEYS))[first:]:
            getattr(station, registry).handle(*key, lambda *_, place=place: {"place": place})
        station.call()
        assert station.answers == [Reply(1, {"place": first})]

    def test_looks_at_the_negotiated_version_only(self, make_station):
        station = make_station(protocol="ocpp2.0.1")
        station.handle("ocpp1.6", "Heartbeat", lambda ctx: {})
        station.call()
        assert station.answers == [Fail(1, "NotImplemented", "The action is not known here")]

    def test_nothing_for_a_send_answers_nothing(self, station):
        station.call(expects_reply=False)
        assert station.answers == [Reply(1, {})]


class TestMiddleware:
    def test_wraps_the_handler_like_an_onion_the_servers_outermost(self, station):
        trail = []

        def layer(name):
            async def middleware(ctx, proceed):
                trail.append(f"{name} {ctx.action}")
                result = await proceed()
                trail.append(name)
                return {**result, name: True}

            return middleware

        station.own.use(layer("own"))
        station.server.use(layer("server first"))
        station.server.use(layer("server second"))
        station.handle("Heartbeat", lambda ctx: {"handled": True})
        station.call()
        assert trail == [
            "server first Heartbeat",
            "server second Heartbeat",
            "own Heartbeat",
            "own",
            "server second",
            "server first",
        ]
        payload = {"handled": True, "own": True, "server second": True, "server first": True}
        assert station.answers == [Reply(1, payload)]

    def test_may_answer_without_the_handler_and_change_what_it_gets(self, station):

        async def middleware(ctx, proceed):
            if "cached" in ctx.params:
                return {"from": "cache"}
            ctx.params = {"changed": True}
            return await proceed()

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: later(ctx.params))
        station.call(payload={"cached": 1})
        station.call()
        assert station.answers == [Reply(1, {"from": "cache"}), Reply(2, {"changed": True})]

    def test_sees_the_errors_of_what_is_inside(self, station):

        async def middleware(ctx, proceed):
            try:
                return await proceed()
            except KeyError:
                return {"rescued": True}

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: throw(KeyError("x")))
        station.call()
        assert station.answers == [Reply(1, {"rescued": True})]

    def test_that_raises_answers_an_internal_error(self, station):

        async def middleware(ctx, proceed):
            raise KeyError

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: {})
        station.call()
        assert station.answers == [Fail(1, "InternalError", INTERNAL, None)]

    def test_lets_noreply_through(self, station):

        async def middleware(ctx, proceed):
            return await proceed()

        station.own.use(middleware)
        station.handle("Heartbeat", lambda ctx: NOREPLY)
        station.call()
        assert station.answers == [Decline(1)]

    def test_that_cannot_be_called_is_refused(self):
        with pytest.raises(TypeError, match="expected a function"):
            Handlers().use(mistyped(3))

    def test_wraps_an_outbound_call_the_same_way(self, station):
        sent = []

        async def middleware(ctx, proceed):
            assert ctx.direction is Direction.OUT
            ctx.params = {**ctx.params, "stamp": 1}
            return {**await proceed(), "seen": True}

        context: CallContext[Any] = CallContext(client=None, action="Reset", params={"type": "Soft"})

        async def call():
            sent.append(context.params)
            return {"status": "Accepted"}

        task = station.host.spawn(compose([middleware], context, call)())
        station.host.run()
        assert sent == [{"type": "Soft", "stamp": 1}]
        assert task.result == {"status": "Accepted", "seen": True}
