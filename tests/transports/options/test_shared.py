"""Connections with equal options share the engine's configs."""

import gc
from weakref import ref

import pytest

from ocpp_core.config import LinkConfig, SessionConfig, ValidationRule
from ocpp_transports._options._client import ClientOptions
from ocpp_transports._options._shared import _configs
from ocpp_transports._options._shared._configs import shared


def options(identity, **more):
    return ClientOptions(
        identity=identity, endpoint="ws://csms.example/ocpp", protocols=("ocpp1.6",), **{"strict_mode": True, **more}
    )


class TestClients:
    RULES = (ValidationRule("off", actions=["DataTransfer"]),)

    @pytest.mark.parametrize("config", ["session", "link", "client"])
    def test_with_the_same_options_share_their_configs(self, config):
        one, other = (
            options(identity, action_rates={"Heartbeat": (1, 20)}, strict_mode_rules=self.RULES)
            for identity in ("CP1", "CP2")
        )
        assert getattr(one, config) is getattr(other, config)

    def test_share_the_session_of_a_subprotocol(self):
        one, other = (options(identity).client_config(trace=False) for identity in ("CP1", "CP2"))
        assert one.session_in("ocpp1.6") is other.session_in("ocpp1.6")
        assert one.session_in("ocpp1.6").validator is one.validators["ocpp1.6"]
        assert one.session_in("ocpp2.1") is one.session

    def test_trace_on_their_own(self):
        one, other = options("CP1"), options("CP2")
        assert one.client_config(trace=True).session.trace
        assert not other.client_config(trace=False).session.trace

    @pytest.mark.parametrize("more", [{"call_timeout": 5}, {"action_rates": {"Heartbeat": 2}}, {"metrics": True}])
    def test_with_other_options_have_other_configs(self, more):
        assert options("CP1", **more).session is not options("CP2", metrics=False).session

    def test_hold_no_defaults_of_their_own(self):
        made = ClientOptions.read("CP1", "ws://csms.example/ocpp", ["ocpp1.6"], {"call_timeout": 5})
        assert made == options("CP1", strict_mode=False, call_timeout=5)
        assert vars(made)["call_timeout"] == 5
        assert "call_ttl" not in vars(made)
        changed = made.changed({"call_ttl": 60})
        assert changed == options("CP1", strict_mode=False, call_timeout=5, call_ttl=60)
        assert "max_held" not in vars(changed)

    def test_leave_no_config_behind(self):
        gc.collect()
        before = len(_configs._configs)
        made = [options(f"CP{number}", call_timeout=12.5, ping_interval=12.5) for number in range(3)]
        assert len(_configs._configs) == before + 3
        made.clear()
        gc.collect()
        assert len(_configs._configs) == before


class TestConfigs:
    def test_of_settings_that_are_equal_but_not_the_same_are_checked_and_not_shared(self):
        kept = shared(SessionConfig, {"trace": True})
        with pytest.raises(TypeError, match="expected trace as bool"):
            shared(SessionConfig, {"trace": 1})
        rates = shared(SessionConfig, {"action_rates": {"Heartbeat": 1}})
        with pytest.raises((TypeError, ValueError)):
            shared(SessionConfig, {"action_rates": {"Heartbeat": True}})
        assert kept.trace is True
        assert rates.action_rates == {"Heartbeat": 1}

    def test_with_code_of_the_application_are_shared_only_if_it_is_the_same(self):
        mend, other = str.strip, str.lower
        kept = shared(SessionConfig, {"mend_text": mend})
        assert shared(SessionConfig, {"mend_text": mend}) is kept
        assert shared(SessionConfig, {"mend_text": other}) is not kept

    def test_do_not_keep_the_application(self):
        class Application:
            def __init__(self):
                self.config = shared(SessionConfig, {"mend_text": self.mend})

            def mend(self, text):
                return text

        released = ref(Application())
        gc.collect()
        assert released() is None

    def test_of_two_classes_are_not_mistaken(self):
        assert type(shared(SessionConfig, {})) is SessionConfig
        assert type(shared(LinkConfig, {})) is LinkConfig
