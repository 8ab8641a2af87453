"""Texts for quantities, states and failures."""

from typing import Any

import pytest

from ocpp_apps.station import ArmedFault
from web.station.page import wording


class TestQuantities:
    @pytest.mark.parametrize(("given", "shown"), [(0, "0.000"), (1234.6, "1.235"), (12_345_678, "12345.678")])
    def test_energy_is_in_kilowatt_hours_to_the_watt_hour(self, given: float, shown: str) -> None:
        assert wording.energy(given) == shown

    @pytest.mark.parametrize(("given", "shown"), [(0, "0 W"), (999.4, "999 W"), (1000, "1.0 kW"), (22_000, "22.0 kW")])
    def test_power_changes_its_unit_at_a_kilowatt(self, given: float, shown: str) -> None:
        assert wording.power(given) == shown

    @pytest.mark.parametrize(("given", "shown"), [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3661, "1:01:01")])
    def test_a_duration_has_hours_only_where_there_are_any(self, given: float, shown: str) -> None:
        assert wording.duration(given) == shown

    @pytest.mark.parametrize(("given", "shown"), [(None, ""), (0.0042, "4 ms"), (9.9, "9900 ms"), (12.34, "12.3 s")])
    def test_a_latency_is_in_milliseconds_up_to_ten_seconds(self, given: float | None, shown: str) -> None:
        assert wording.latency(given) == shown

    def test_a_version_is_named_as_people_do(self) -> None:
        assert wording.version("ocpp2.0.1") == "OCPP 2.0.1"
        assert wording.version(None) == "—"


class TestTones:
    @pytest.mark.parametrize(
        ("status", "tone"),
        [
            ("Available", "good"),
            ("Charging", "busy"),
            ("Preparing", "warn"),
            ("Faulted", "bad"),
            ("Unavailable", "idle"),
        ],
    )
    def test_a_status_has_its_tone(self, status: str, tone: str) -> None:
        assert wording.tone_of(status) == tone


class TestAFaultThatIsArmed:
    @pytest.mark.parametrize(
        ("fault", "words"),
        [
            (ArmedFault("drop", None, 1, 5, "any"), "Drop the next call or response"),
            (ArmedFault("delay", "Heartbeat", 3, 2.5, "call"), "Delay by 2.5 s the next Heartbeat call, 3 times"),
            (ArmedFault("malformed", None, 1, 5, "answer"), "Send malformed JSON for the next response"),
            (ArmedFault("wrong_type", "Reset", 1, 5, "answer"), "Send a wrong type in the next Reset response"),
        ],
    )
    def test_is_told(self, fault: ArmedFault, words: str) -> None:
        assert wording.fault(fault) == words


class TestAFaultThatStruck:
    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("drop", "it was dropped"),
            ("delay", "it was sent 5 s late"),
            ("malformed", "malformed JSON"),
            ("wrong_type", "type"),
        ],
    )
    def test_is_told(self, kind: str, words: str) -> None:
        assert words in wording.struck(ArmedFault(kind, None, 0, 5, "any"))


class TestARegistration:
    @pytest.mark.parametrize(
        ("status", "tone"), [("", "busy"), ("Accepted", "good"), ("Pending", "warn"), ("Rejected", "bad")]
    )
    def test_is_a_success_only_when_it_is_accepted(self, status: str, tone: str) -> None:
        assert wording.registration(status)[2] == tone


class TestAnAddress:
    @pytest.mark.parametrize("url", ["ws://localhost:9000/ocpp", "wss://[::1]/a?b=c", "ws://csms.example"])
    def test_it_may_be(self, url: str) -> None:
        assert wording.address_problem(url) is None

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("", "Enter the address"),
            ("localhost:9000", "begins with ws:// or wss://"),
            ("http://localhost", "begins with ws:// or wss://"),
            ("ws://", "has no host"),
            ("ws://[::1", "not an address"),
            ("ws://localhost:99999", "not an address"),
            ("ws://localhost/#part", "“#”"),
            ("ws://CP001:secret@localhost", "their own fields"),
        ],
    )
    def test_it_may_not_be(self, url: str, words: str) -> None:
        assert words in (wording.address_problem(url) or "")


class TestAFailureToConnect:
    def explain(self, url: str = "wss://csms.example:9000/ocpp", **facts: Any) -> str:
        given: dict[str, Any] = {"has_password": False, "is_secure_page": False, "is_barred": False, **facts}
        return wording.connect_failure(url, ["ocpp2.1", "ocpp1.6"], **given)

    def test_it_names_everything_that_a_browser_does_not_tell_apart(self) -> None:
        words = self.explain()
        for cause in (
            "wss://csms.example:9000",
            "no server listens there",
            "the server requires a password",
            "does not support 2.1, 1.6",
        ):
            assert cause in words

    def test_with_a_password_that_one_may_be_wrong(self) -> None:
        assert "the server rejects the password or the identity" in self.explain(has_password=True)

    def test_a_policy_is_told_as_such(self) -> None:
        assert "Content-Security-Policy forbids it" in self.explain(is_barred=True)

    def test_a_server_that_is_silent_is_not_called_absent(self) -> None:
        words = self.explain(silence=15.0)
        assert words.startswith("wss://csms.example:9000 did not respond within 15 seconds.")
        assert "no server listens there" not in words

    def test_so_are_mixed_contents(self) -> None:
        assert "can only connect to wss://" in self.explain("ws://csms.example", is_secure_page=True)
