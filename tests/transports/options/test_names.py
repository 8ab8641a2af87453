"""Names of versions and actions: what is there, and what a misspelling is told."""

import logging
import re
from typing import Any

import pytest

from ocpp_core.validation import create_validator, load_validator
from ocpp_transports import OCPPClient, OCPPServer, RPCNotImplementedError, ValidationRule
from ocpp_transports._options._names import Names, expect_spelled
from tests.tables import each
from tests.transports.pairs import pair

VENDOR: dict[str, dict[str, dict[str, Any]]] = {"MakeCoffee": {"call": {}, "result": {}}}
EVERY = "ocpp1.6, ocpp2.0.1, ocpp2.1"


def handler(_):
    return {}


class TestWhatIsThere:
    @pytest.mark.parametrize(
        ("version", "action"),
        [
            (None, None),
            (None, "BootNotification"),
            (None, "TransactionEvent"),
            ("ocpp1.6", "StartTransaction"),
            ("ocpp2.1", "NotifyPeriodicEventStream"),
            ("ocpp2.1", None),
        ],
    )
    def test_every_standard_name_whatever_is_spoken(self, version, action):
        Names(["ocpp1.6"], []).expect(version, action)

    def test_what_a_validator_adds(self):
        names = Names(["ocpp1.6"], [load_validator("ocpp1.6").extend(VENDOR)])
        names.expect(None, "MakeCoffee")
        names.expect("ocpp1.6", "MakeCoffee")
        with pytest.raises(ValueError, match=r"expected an action of ocpp2\.1, got one of ocpp1\.6: 'MakeCoffee'"):
            names.expect("ocpp2.1", "MakeCoffee")

    def test_everything_in_a_protocol_of_which_nothing_is_known(self):
        names = Names(["vendor1", "ocpp1.6"], [])
        names.expect("vendor1", "MakeCoffee")
        names.expect(None, "MakeCoffee")
        with pytest.raises(ValueError, match="expected an action"):
            names.expect("ocpp1.6", "MakeCoffee")

    def test_only_what_its_validator_has_in_another(self):
        names = Names(["vendor1"], [create_validator("vendor1", VENDOR)])
        names.expect("vendor1", "MakeCoffee")
        with pytest.raises(ValueError, match=r"got 'MakeCofee' \(did you mean 'MakeCoffee'\?\)"):
            names.expect("vendor1", "MakeCofee")


class TestMisspellings:
    @pytest.mark.parametrize(
        ("names", "told"),
        [
            (
                ["BootNotifcation"],
                "expected an action of OCPP, got 'BootNotifcation' (did you mean 'BootNotification'?)",
            ),
            (["heartbeat"], "got 'heartbeat' (did you mean 'Heartbeat'?)"),
            (["MakeCoffee"], "expected an action of OCPP, got 'MakeCoffee'; custom=True registers one of your own"),
            (["ocpp1.6", "SetVariables"], "of ocpp1.6, got one of ocpp2.0.1 and ocpp2.1: 'SetVariables'"),
            (["ocpp2.1", "Heartbet"], "expected an action of ocpp2.1, got 'Heartbet' (did you mean 'Heartbeat'?)"),
            (["Heartbeat", "ocpp1.6"], "expected a version and then an action, got 'Heartbeat' and then 'ocpp1.6'"),
            (["ocpp16", "Heartbeat"], f"a version, one of {EVERY}, got 'ocpp16' (did you mean 'ocpp1.6'?)"),
            (["Heartbeat", "BootNotification"], f"expected a version, one of {EVERY}, got 'Heartbeat'"),
        ],
    )
    def test_of_a_handler(self, names, told):
        server: Any = OCPPServer(protocols=["ocpp1.6"])
        with pytest.raises(ValueError, match=re.escape(told)):
            server.handle(*names, handler)
        with pytest.raises(ValueError, match=re.escape(told)):
            server.handle(*names)
        assert not server.has_handler(*names)

    def test_of_a_version_even_of_a_custom_action(self):
        with pytest.raises(ValueError, match=r"got 'ocpp16' \(did you mean 'ocpp1\.6'\?\)"):
            OCPPServer().handle("ocpp16", "MakeCoffee", handler, custom=True)

    @each("strict_mode", [True, False, "report"])
    @each(
        ("rule", "meant"),
        [({"actions": ["BootNotifcation"]}, "BootNotification"), ({"protocols": ["ocpp2.01"]}, "ocpp2.0.1")],
    )
    def test_in_a_rule_of_strict_mode_which_would_match_nothing(self, strict_mode, rule, meant):
        protocols = ["ocpp1.6"] if strict_mode else ["ocpp1.6", "vendor1"]  # whose actions nobody knows
        rules = [ValidationRule("off", **rule)]
        options = {"protocols": protocols, "strict_mode": strict_mode, "strict_mode_rules": rules}
        with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
            OCPPServer(**options)
        with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
            OCPPClient("CP1", "ws://127.0.0.1", **options)

    @pytest.mark.parametrize("protocol", ["ocpp16", "OCPP1.6", "ocpp 1.6", "ocpp201", "ocpp2.01", "OCPP-2.1"])
    def test_of_a_standard_subprotocol(self, protocol):
        with pytest.raises(ValueError, match="expected the subprotocol 'ocpp"):
            expect_spelled(["vendor1", protocol])

    @pytest.mark.parametrize("protocol", ["ocpp1.5", "ocpp2.0", "ocpp2.2", "vendor1", "ocpp1.6J"])
    def test_but_not_of_another_subprotocol(self, protocol):
        expect_spelled([protocol, "ocpp1.6"])

    def test_of_a_subprotocol_wherever_one_is_named(self):
        with pytest.raises(ValueError, match=r"expected the subprotocol 'ocpp1\.6', got 'ocpp16'"):
            OCPPServer(protocols=["ocpp16"])
        with pytest.raises(ValueError, match=r"expected the subprotocol 'ocpp1\.6', got 'ocpp16'"):
            OCPPServer(strict_mode_validators=[create_validator("ocpp16", VENDOR)])


@pytest.mark.anyio
class TestHandlers:
    async def test_of_a_misspelled_name_are_refused_at_both_ends(self):
        async with pair() as (client, station):
            for peer in (client, station):
                with pytest.raises(ValueError, match="did you mean 'BootNotification'"):
                    peer.handle("BootNotifcation", lambda ctx: {})
                with pytest.raises(ValueError, match="custom=True registers one of your own"):
                    peer.handle("ocpp1.6", "MakeCoffee")
                assert not peer.has_handler("BootNotifcation")
            station.handle("MakeCoffee", custom=True)(lambda ctx: {"cups": 1})
            assert await client.call("MakeCoffee") == {"cups": 1}

    async def test_that_are_missing_are_warned_of_once_an_action_and_connection(self, caplog):
        async with pair(server={"handler_grace": 0}) as (client, _):
            for action in ("Heartbeat", "Heartbeat", "MakeCoffee"):
                with pytest.raises(RPCNotImplementedError):
                    await client.call(action)
        warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert [text.split(":")[:2] for text in warnings] == [
            ["CP1", " no handler for 'Heartbeat'"],
            ["CP1", " no handler for 'MakeCoffee'"],
        ]
