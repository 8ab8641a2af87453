"""Every limit and policy, validated on construction."""

from dataclasses import FrozenInstanceError, fields
from math import inf, nan
from typing import Any

import pytest

from ocpp_core.config import ClientConfig, Compression, LinkConfig, SessionConfig, UpgradeTarget
from ocpp_core.messages import Leniency
from tests.tables import each

CONFIGS = [SessionConfig, LinkConfig, Compression, ClientConfig]
SECONDS = (0, -1, nan, "5", None, True)

OUT_OF_RANGE = [
    *((SessionConfig, name, SECONDS) for name in ("call_timeout", "call_ttl", "drain_timeout", "close_timeout")),
    (SessionConfig, "bad_message_period", SECONDS),
    *((SessionConfig, name, (0, nan, "1")) for name in ("call_concurrency", "max_inbound", "max_bad_messages")),
    *((SessionConfig, name, (0, nan, "1")) for name in ("max_inbound_bytes", "max_held", "max_held_bytes")),
    *((SessionConfig, name, (-1, nan)) for name in ("max_queued", "max_declined", "max_queued_bytes", "answer_window")),
    (SessionConfig, "max_elements", (0, nan)),
    (SessionConfig, "max_outgoing_size", (16383, nan)),
    *((LinkConfig, name, SECONDS) for name in ("handshake_timeout", "close_timeout", "ping_interval", "pong_timeout")),
    (LinkConfig, "max_message_size", (0, nan)),
    (LinkConfig, "max_fragments", (0,)),
    (LinkConfig, "message_timeout", (0, 0.9, nan)),
    (LinkConfig, "min_message_rate", (0, nan)),
    (LinkConfig, "max_unfinished_size", (0, nan)),
    (LinkConfig, "max_header_size", (255,)),
    (LinkConfig, "max_early_data", (-1,)),
    (Compression, "level", (-1, 10)),
    (Compression, "window_bits", (8, 16)),
    (Compression, "threshold", (-1,)),
    (ClientConfig, "protocols", ((), ("ocpp1.6", "ocpp1.6"))),
    (ClientConfig, "max_reconnects", (-1, nan)),
    (ClientConfig, "connect_timeout", SECONDS),
    (ClientConfig, "offline_queue_size", (0,)),
]


def make(cls, **settings):
    return cls(**({"protocols": ("ocpp1.6",)} | settings if cls is ClientConfig else settings))


class TestRanges:
    @each(("cls", "name", "values"), OUT_OF_RANGE)
    def test_a_value_out_of_range_is_refused_by_name(self, cls, name, values):
        for value in values:
            with pytest.raises(ValueError, match=f"expected .*{name}"):
                make(cls, **{name: value})

    @each(
        ("cls", "name"),
        [
            (SessionConfig, "call_timeout"),
            (SessionConfig, "call_ttl"),
            (SessionConfig, "max_bad_messages"),
            (SessionConfig, "max_held"),
            (SessionConfig, "answer_window"),
            (LinkConfig, "ping_interval"),
            (LinkConfig, "pong_timeout"),
            (LinkConfig, "max_message_size"),
            (ClientConfig, "max_reconnects"),
            (ClientConfig, "connect_timeout"),
        ],
    )
    def test_inf_means_no_limit(self, cls, name):
        assert getattr(make(cls, **{name: inf}), name) == inf

    @each(("cls", "value"), [(cls, value) for cls in CONFIGS for value in (9.5, 9.0, inf)])
    def test_what_is_declared_as_an_integer_is_one(self, cls, value):
        """A fraction would be noticed when it is used, by zlib for example: in the middle of a connection."""
        names = [field.name for field in fields(cls) if field.type is int]
        assert names
        for name in names:
            with pytest.raises(ValueError, match=f"expected {name} .*got"):
                make(cls, **{name: value})

    @each("cls", CONFIGS)
    def test_an_integer_beyond_all_times_is_refused(self, cls):
        """No time can be added to it."""
        for name in (field.name for field in fields(cls) if field.type is float):
            with pytest.raises(ValueError, match=f"expected {name} .*got"):
                make(cls, **{name: 10**400})


class TestSwitches:
    @each("cls", [*CONFIGS, Leniency])
    def test_are_bools(self, cls):
        """`reconnect="no"` must not mean yes."""
        names = [field.name for field in fields(cls) if field.type is bool and field.init]
        assert names
        for name in names:
            for value in ("no", 1, None):
                with pytest.raises(TypeError, match=f"expected {name} as bool, got"):
                    make(cls, **{name: value})

    def test_compression_is_none(self):
        value: Any
        for value in (True, False, 6):
            with pytest.raises(TypeError, match="expected compression as Compression or None, got"):
                LinkConfig(compression=value)


class TestDefaults:
    def test_are_those_of_the_protocol(self):
        """OCPP-J §4.1.1: one CALL at a time."""
        config = SessionConfig()
        assert (config.call_concurrency, config.call_timeout, config.call_ttl) == (1, 30, inf)
        assert config.validator is None

    def test_tolerate_nothing(self):
        assert not any(getattr(Leniency(), field.name) for field in fields(Leniency))

    def test_reconnect_for_ever_but_not_before_the_first_connection(self):
        config = ClientConfig(protocols=("ocpp1.6",))
        assert (config.reconnect, config.max_reconnects, config.retry_initial_connect) == (True, inf, False)
        assert config.offline_queue is False


class TestConfigs:
    @each("cls", CONFIGS)
    def test_can_not_be_changed(self, cls):
        config = make(cls)
        with pytest.raises(FrozenInstanceError):
            setattr(config, fields(config)[0].name, 1)

    def test_never_show_credentials(self):
        target = UpgradeTarget("h", "/CP1", (("Authorization", "Basic c2VjcmV0"),))
        assert "Basic" not in repr(target)
