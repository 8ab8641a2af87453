"""The registry of handlers: what is registered, what is found, what is wrapped around."""

from typing import Any

import pytest

from ocpp_core.inputs import Fail, Reply
from ocpp_transports._handlers._table import Handlers
from tests.kinds import mistyped


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
    def test_that_cannot_be_called_is_refused(self):
        with pytest.raises(TypeError, match="expected a function"):
            Handlers().use(mistyped(3))
