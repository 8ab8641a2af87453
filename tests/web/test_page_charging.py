"""Charging in the page: what a driver does, what the central system does, and by the keyboard alone."""

import pytest

from tests.web.bench import Bench, User

pytestmark = pytest.mark.timeout(180)

VERSIONS = ["ocpp1.6", "ocpp2.1"]


def energy(user: User) -> float:
    return float(user.text("[data-connector='1'] [data-part=energy]"))


@pytest.mark.parametrize("version", VERSIONS)
class TestASession:
    def test_runs_from_the_plug_to_the_end(self, user: User, bench: Bench, version: str) -> None:
        identity = user.connect(versions=[version])
        user.charge()
        user.tab.until(lambda: energy(user) > 0.0, "the meter runs")
        assert user.text("[data-connector='1'] [data-part=power]") == "22.0 kW"
        assert user.text("[data-connector='1'] [data-part=token]") == "04A1B2C3D4E5F6"
        assert "{}" not in bench.command("list").split(identity)[1].splitlines()[0]
        user.tab.click("#charge-1")
        user.sees("#charge-1", "Start")
        user.tab.click("#plug-1")
        user.sees("[data-connector='1'] [data-part=status]", "Available")

    def test_ends_when_the_central_system_asks_for_it(self, user: User, bench: Bench, version: str) -> None:
        identity = user.connect(versions=[version])
        user.charge()
        user.tab.until(lambda: "Accepted" in bench.command(f"stop {identity}"), "the session is known and can be ended")
        user.sees("#charge-1", "Start")
        stopped = ("RequestStopTransaction", "RemoteStopTransaction")
        user.tab.until(
            lambda: any(row["action"] in stopped and row["direction"] == "received" for row in user.messages()),
            "the command is among the messages",
        )

    def test_begins_when_the_central_system_asks_for_it(self, user: User, bench: Bench, version: str) -> None:
        identity = user.connect(versions=[version])
        user.tab.click("#plug-1")
        user.sees("#plug-1", "Unplug")
        assert "Accepted" in bench.command(f"start {identity}")
        user.sees("#charge-1", "Stop")

    def test_is_refused_where_it_is_impossible_and_says_why(self, user: User, version: str) -> None:
        user.connect(versions=[version])
        user.tab.click("#fault-1")
        user.sees("[data-connector='1'] [data-part=status]", "Faulted")
        user.tab.click("#charge-1")
        user.sees("[data-connector='1'] > [data-part=message]", "Connector 1 is faulted")
        user.tab.click("#fault-1")
        user.sees("[data-connector='1'] [data-part=status]", "Available")
        assert user.text("[data-connector='1'] > [data-part=message]") == ""

    def test_is_refused_where_the_token_is_too_long(self, user: User, version: str) -> None:
        user.connect(versions=[version])
        user.tab.click("#plug-1")
        user.sees("#plug-1", "Unplug")
        token = "document.querySelector(\"[data-connector='1'] [data-part=id-token]\")"
        user.tab.look(f"{token}.value = 't'.repeat(256)")
        user.tab.click("#charge-1")
        user.sees("[data-connector='1'] > [data-part=message]", "violates maxLength")
        assert user.text("#charge-1") == "Start"

    def test_every_message_of_it_conforms(self, user: User, version: str) -> None:
        user.connect(versions=[version])
        user.charge()
        user.tab.click("#charge-1")
        user.sees("#charge-1", "Start")
        rows = user.tab.until(lambda: [row for row in user.messages() if row["kind"] == "CALLRESULT"], "answers")
        assert {row["check"] for row in user.messages()} == {"✓ valid"}
        assert all(row["latency"].endswith(" ms") for row in rows)


class TestASessionWithoutACable:
    def test_waits_for_the_cable_and_says_so(self, user: User) -> None:
        waiting = "!document.querySelector(\"[data-connector='1'] [data-part=permission]\").hidden"
        user.connect(versions=["ocpp1.6"])
        user.tab.click("#charge-1")
        user.tab.wait(waiting)
        user.tab.click("#plug-1")
        user.sees("#charge-1", "Stop")
        user.tab.wait(f"!({waiting})")

    def test_says_that_the_cable_came_too_late(self, user: User, bench: Bench) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        assert "Accepted" in bench.command(f"set {identity} ConnectionTimeOut 1")
        user.tab.click("#charge-1")
        user.sees("[data-connector='1'] > [data-part=message]", "the cable was not plugged in")


class TestLeavingThePage:
    def is_asked(self, user: User) -> bool:
        leave = "new Event('beforeunload', {cancelable: true})"
        return not user.tab.look(f"window.dispatchEvent({leave})")

    def test_is_asked_about_while_a_transaction_is_open(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        assert not self.is_asked(user)
        user.charge()
        assert self.is_asked(user)
        user.tab.click("#charge-1")
        user.sees("#charge-1", "Start")
        user.tab.until(lambda: not self.is_asked(user), "the end of the transaction has arrived")


class TestARestart:
    def test_is_shown_and_the_station_comes_back(self, user: User, bench: Bench) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        assert "Accepted" in bench.command(f"reset {identity}")
        user.sees("#fact-connection", "restarting")
        assert user.text("#connect") == "Cancel"
        user.sees("#link", "Connected")
        user.sees("#fact-boot", "Accepted")


class TestPower:
    def test_follows_the_slider(self, user: User) -> None:
        user.connect()
        user.charge()
        slider = "document.querySelector('[data-connector=\"1\"] [data-part=power-slider]')"
        user.tab.look(f"{slider}.value = 7400; {slider}.dispatchEvent(new Event('change', {{bubbles: true}}))")
        user.sees("[data-connector='1'] [data-part=power]", "7.4 kW")


class TestTheKeyboard:
    def focus(self, user: User) -> str:
        return str(user.tab.look("document.activeElement.id"))

    def test_is_enough_to_connect_charge_and_stop(self, user: User, bench: Bench) -> None:
        user.fill("url", bench.addresses["csms"])
        user.fill("identity", "KEYS")
        user.tab.look("document.activeElement.blur()")
        user.tab.press("c")
        assert self.focus(user) == "url"
        user.tab.press("Enter")
        user.sees("#link", "Connected")
        user.sees("#fact-boot", "Accepted")
        user.tab.look("document.activeElement.blur()")
        user.tab.press("1")
        assert self.focus(user) == "plug-1"
        user.tab.press("Enter")
        user.sees("#plug-1", "Unplug")
        assert self.focus(user) == "plug-1"
        user.tab.press("Tab")
        assert self.focus(user) == "charge-1"
        user.tab.press(" ")
        user.sees("#charge-1", "Stop")
        assert self.focus(user) == "charge-1"
        user.tab.press(" ")
        user.sees("#charge-1", "Start")
        assert self.focus(user) == "charge-1"

    def test_shows_where_the_focus_is(self, user: User) -> None:
        user.tab.press("1")
        user.tab.press("Tab")
        assert user.tab.look("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    def test_goes_from_tab_to_tab_by_arrows(self, user: User) -> None:
        user.tab.look("document.querySelector('#tab-messages').focus()")
        user.tab.press("ArrowRight")
        assert self.focus(user) == "tab-editor"
        assert user.tab.look("!document.querySelector('#panel-editor').hidden")

    def test_has_its_shortcuts_listed_and_they_can_be_turned_off(self, user: User) -> None:
        user.tab.look("document.activeElement.blur()")
        user.tab.press("?", shift=True)
        assert user.tab.look("document.querySelector('#help').open")
        assert user.tab.look("document.querySelectorAll('#keys dt').length") > 8
        user.tab.click("#keys-on")
        user.tab.press("Escape")
        user.tab.wait("!document.querySelector('#help').open")
        user.tab.press("1")
        assert self.focus(user) != "plug-1"
        user.tab.click("#keys-on")

    def test_types_digits_into_fields(self, user: User) -> None:
        user.tab.look("document.querySelector('#filter').focus()")
        user.tab.press("1")
        assert user.tab.look("document.querySelector('#filter').value") == "1"
        user.fill("filter", "")
