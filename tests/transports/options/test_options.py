"""Options: their names for type checkers, and the defaults that the documentation promises."""

import os
import re
from dataclasses import fields
from math import inf

import pytest

from ocpp_core.config import ClientConfig, LinkConfig, SessionConfig, ValidationRule
from ocpp_transports import BrowserOCPPClient, OCPPClient, Peer
from ocpp_transports._options._browser import BrowserOptions
from ocpp_transports._options._client import ClientOptions
from ocpp_transports._options._keywords import BrowserChanges, ClientChanges, ClientKeywords, ServerKeywords
from ocpp_transports._options._message_ids import new_message_id
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._options._validators import shared_validator, warm_up
from ocpp_transports.memory import connected_pair
from ocpp_transports.wslib import WebsocketsOCPPClient

CONVERTED = {"protocols", "backoff", "compression", "pong_timeout", "offline_queue"}
"""Settings that an option of the name says in another form."""


def names(cls):
    return {field.name for field in fields(cls)}


class TestASettingOfTheEngine:
    """An option with the name of a setting is that setting: declared there, and handed on by that name."""

    @pytest.mark.parametrize("options", [ClientOptions, BrowserOptions, ServerOptions])
    def test_is_an_option_of_the_same_type_and_default(self, options):
        own = {field.name: field for field in fields(options) if field.name not in CONVERTED}
        settings = [field for config in (SessionConfig, LinkConfig, ClientConfig) for field in fields(config)]
        shared = [field for field in settings if field.name in own]
        assert len(shared) > 15
        for field in shared:
            option = own[field.name]
            assert (option.name, option.type, option.default) == (field.name, field.type, field.default)

    def test_gets_what_the_option_says(self):
        made = ServerOptions(max_queued=7, min_message_rate=8, require_connection_header=False, close_timeout=9)
        assert (made.session.max_queued, made.session.close_timeout, made.link.close_timeout) == (7, 9, 9)
        assert (made.link.min_message_rate, made.link.require_connection_header) == (8, False)
        client = ClientOptions(identity="CP1", endpoint="ws://csms.example", max_reconnects=4, offline_queue_size=5)
        assert (client.client.max_reconnects, client.client.offline_queue_size) == (4, 5)


class TestTheRatesOfActions:
    def test_are_a_copy(self):
        rates = {"MeterValues": 1}
        made = ServerOptions(action_rates=rates)
        rates["Heartbeat"] = 2
        assert dict(made.action_rates) == {"MeterValues": 1}

    def test_name_actions_that_exist(self):
        """The limit of a misspelled one would never be reached."""
        with pytest.raises(ValueError, match=r"got 'MeterValue' \(did you mean 'MeterValues'\?\)"):
            ServerOptions(action_rates={"MeterValue": 1})
        assert ServerOptions(protocols=("acme1.0",), action_rates={"Acme": 1}).action_rates


class TestRanges:
    @pytest.mark.parametrize(
        ("wrong", "expected"),
        [
            ({"handler_timeout": -1}, r"handler_timeout >= 0 seconds \(0 or inf: off\), got -1"),
            ({"send_timeout": None}, "send_timeout >= 0 seconds"),
            ({"pong_timeout": "5"}, "pong_timeout >= 0 seconds"),
            ({"max_sockets": 0}, "max_sockets >= 1 sockets, got 0"),
            ({"max_connections": True}, "max_connections >= 1 stations, got True"),
            ({"max_identity_length": 0}, "max_identity_length >= 1 characters"),
            ({"call_timeout": 0}, "call_timeout > 0 seconds, got 0"),
        ],
    )
    def test_are_checked_by_name(self, wrong, expected):
        with pytest.raises(ValueError, match=f"expected {expected}"):
            ServerOptions(**wrong)


class TestKeywords:
    """What type checkers offer is what the options are; the file itself is compared with its generator elsewhere."""

    def test_of_clients(self):
        assert set(ClientKeywords.__annotations__) == names(ClientOptions) - {"protocols", "identity", "endpoint"}
        assert set(ClientChanges.__annotations__) == names(ClientOptions) - {"identity"}
        assert set(BrowserChanges.__annotations__) == names(BrowserOptions) - {"identity"}

    def test_of_servers(self):
        assert set(ServerKeywords.__annotations__) == names(ServerOptions)


class TestKeepalive:
    @pytest.mark.parametrize(
        ("ping_interval", "pong_timeout", "expected"),
        [(30, None, (30, 35)), (0, None, (inf, inf)), (10, 0, (10, inf)), (10, 3, (10, 3)), (inf, 3, (inf, 3))],
    )
    def test_zero_turns_it_off(self, ping_interval, pong_timeout, expected):
        link = ServerOptions(ping_interval=ping_interval, pong_timeout=pong_timeout).link
        assert (link.ping_interval, link.pong_timeout) == expected


class TestRulesOfAdmission:
    @pytest.mark.parametrize(
        ("rules", "error", "expected"),
        [
            ({"protocols": ()}, ValueError, "distinct subprotocol names"),
            ({"protocols": ("ocpp1.6", "ocpp1.6")}, ValueError, "distinct subprotocol names"),
            ({"default_protocol": "ocpp2.1"}, ValueError, "default_protocol to be one of"),
            ({"unmatched_protocol": "ignore"}, ValueError, "'reject' or 'upgrade-then-close'"),
            ({"broken_escapes": "ignore"}, ValueError, "'reject' or 'keep'"),
            ({"replace": "never"}, ValueError, "replace 'always', 'same_address' or 'never_live', got 'never'"),
            ({"registration": True}, ValueError, "'optional' or 'required', got True"),
            ({"before_registration": "queue"}, ValueError, "'wait' or 'refuse', got 'queue'"),
            ({"boot_timeout": -1}, ValueError, "boot_timeout >= 0 seconds"),
            ({"credentials": "secret", "security_profile": 1}, TypeError, "mapping or a callable"),
            ({"auth": True}, TypeError, "auth as a callable"),
            ({"credentials": {}}, ValueError, "no credentials"),
            ({"security_profile": 3, "identify": {815: "CP1"}}, TypeError, "CN to identity, both str"),
            ({"security_profile": 3, "identify": {"SN1": None}}, TypeError, "CN to identity, both str"),
            ({"security_profile": 1, "verify": "scrypt"}, TypeError, "verify as a callable"),
            ({"security_profile": 1, "verify": lambda password: True}, TypeError, "identity, password"),
            ({"security_profile": 2, "certificate_organization": "CPO"}, ValueError, "it would not be used"),
            ({"security_profile": 3, "certificate_organization": ""}, ValueError, "at least one name"),
            ({"security_profile": 3, "certificate_organization": [b"CPO"]}, ValueError, "each a str"),
            ({"security_profile": 3, "certificate_organization": 5}, TypeError, "a name or a list of names"),
            ({"security_profile": 2, "check_serial_number": True}, ValueError, "it would not be used"),
            ({"security_profile": 3, "check_serial_number": True}, ValueError, "protocol of OCPP 2.x"),
            ({"security_profile": 3, "certificate_pins": []}, TypeError, "a mapping or a callable"),
            ({"security_profile": 3, "certificate_pins": {"CP1": "00"}}, ValueError, "64 hexadecimal digits"),
            ({"security_profile": 3, "certificate_pins": {"CP1": [5]}}, TypeError, "fingerprint as str"),
            ({"security_profile": 3, "certificate_pins": {"CP1": None}}, TypeError, "or a list of them, got NoneType"),
            ({"security_profile": 3, "certificate_pins": {}, "tls_terminated": True}, ValueError, "does not pass"),
            ({"trusted_proxies": "10.0.0.1"}, TypeError, "each a str, got '10.0.0.1'"),
            ({"trusted_proxies": ["localhost"]}, ValueError, "trusted_proxies with IPv4 or IPv6 addresses"),
            ({"trusted_proxies": ["0.0.0.0/0"]}, ValueError, "without networks of every address"),
            ({"trusted_proxies": ["::1"], "forwarded_header": "Forwarded"}, ValueError, "got 'Forwarded'"),
            ({"forwarded_header": "forwarded"}, ValueError, "trusted_proxies with forwarded_header"),
            ({"security_profile": 3, "certificate_header": "X-Cert"}, ValueError, "proxies with certificate_header"),
            ({"trusted_proxies": ["::1"], "certificate_header": "X-Cert"}, ValueError, "it would not be used"),
            ({"trusted_proxies": ["::1"], "certificate_header": "X Cert"}, ValueError, "name of a header field"),
            ({"trusted_proxies": ["::1"], "certificate_verify_header": 5}, TypeError, "name of a header field"),
            ({"certificate_verify_header": "X-Verify"}, ValueError, "without certificate_header"),
        ],
    )
    def test_that_make_no_sense_raise_at_construction(self, rules, error, expected):
        with pytest.raises(error, match=expected):
            ServerOptions(**{"protocols": ("ocpp1.6",), **rules})


class TestProtocols:
    @pytest.mark.parametrize("client", [OCPPClient, BrowserOCPPClient, WebsocketsOCPPClient])
    def test_of_a_client_are_those_of_ocpp_newest_first_unless_it_says_others(self, client):
        assert client("CP1", "ws://127.0.0.1")._options.protocols == ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
        assert client("CP1", "ws://127.0.0.1", protocols=["ocpp1.6"])._options.protocols == ("ocpp1.6",)

    @pytest.mark.anyio
    async def test_of_a_client_in_memory_too(self):
        async with connected_pair() as (client, station):
            assert client.protocol == station.protocol == "ocpp2.1"
            assert isinstance(client, Peer)
            assert isinstance(station, Peer)


class TestStrictMode:
    def test_warm_up_compiles_what_it_is_asked_for(self):
        warm_up("ocpp1.6", ["Heartbeat"])
        assert all(message.is_compiled for message in shared_validator("ocpp1.6")._messages["Heartbeat"].values())
        with pytest.raises(ValueError, match="Heartbeet"):
            warm_up("ocpp1.6", ["Heartbeet"])
        with pytest.raises(ValueError, match=r"vendor1"):
            warm_up("vendor1")


class TestCopies:
    """Stations that need other options than their server share one copy."""

    def test_of_the_same_changes_are_one_while_it_is_used(self):
        options = ServerOptions()
        one = options.changed({"strict_mode_rules": [ValidationRule("off")], "call_timeout": 5})
        assert options.changed({"strict_mode_rules": [ValidationRule("off")], "call_timeout": 5}) is one
        assert options.changed({"strict_mode_rules": [ValidationRule("strict")], "call_timeout": 5}) is not one
        assert len(options._copies) == 1  # the other one is used nowhere

    def test_are_not_mistaken_for_those_of_values_that_are_equal(self):
        options = ServerOptions()
        kept = options.changed({"strict_mode": True, "max_held": 1})
        with pytest.raises(TypeError, match="expected strict_mode as bool"):
            options.changed({"strict_mode": 1, "max_held": 1})
        assert kept.strict_mode is True

    def test_of_changes_without_a_hash_are_new(self):
        options = ServerOptions()
        assert options.changed({"action_rates": {"Heartbeat": 1}}) is not options.changed(
            {"action_rates": {"Heartbeat": 1}}
        )


class TestMessageIds:
    def test_are_short_and_never_the_same(self):
        ids = [new_message_id() for _ in range(1000)]
        assert len(set(ids)) == 1000
        assert all(re.fullmatch(r"[0-9a-f]{24}-[0-9a-f]{1,11}", each) for each in ids)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_of_a_forked_child_are_others(self):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.write(writing, new_message_id().encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            assert pipe.read().split("-")[0] != new_message_id().split("-")[0]
