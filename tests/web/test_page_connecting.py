"""Connecting from the page: to what speaks OCPP, and to all that does not."""

import json

import pytest

from tests.web.bench import PASSWORD, Bench, User

pytestmark = pytest.mark.timeout(180)


class TestAConnection:
    def test_is_shown_with_version_and_registration(self, user: User) -> None:
        user.connect()
        assert user.text("#link") == "Connected"
        assert user.text("#fact-version") == "OCPP 2.1"
        assert user.text("#fact-connection") == "open"
        assert user.text("#fact-identity") == user.identity

    @pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
    def test_speaks_the_version_that_is_offered(self, user: User, bench: Bench, version: str) -> None:
        identity = user.connect(versions=[version])
        assert user.text("#fact-version") == version.replace("ocpp", "OCPP ")
        assert f"{identity} ({version})" in bench.command("list")

    def test_with_a_password(self, user: User) -> None:
        user.connect(address="guarded", password=PASSWORD)

    def test_ends_by_the_same_button(self, user: User, bench: Bench) -> None:
        identity = user.connect()
        user.leave()
        user.tab.until(lambda: identity not in bench.command("list"), "the station has left")

    def test_can_be_edited_only_where_that_changes_something(self, user: User) -> None:
        locked = "['url', 'identity', 'password'].every(id => document.getElementById(id).readOnly)"
        user.connect()
        user.tab.wait(f"{locked} && document.querySelector('#newest').disabled")
        user.leave()
        user.tab.wait(f"!{locked} && !document.querySelector('#newest').disabled")

    def test_comes_back_by_itself_when_it_is_lost(self, user: User, bench: Bench) -> None:
        identity = user.connect()
        bench.drop(identity)
        user.sees("#connection-error", "The connection dropped (code 1006)")
        user.sees("#fact-connection", "again in")
        assert user.text("#link") == "Reconnecting"  # it is read out whenever it changes, so it counts no seconds
        user.sees("#link", "Connected")
        assert user.text("#connection-error") == ""


class TestAStationThatIsNotAccepted:
    @pytest.mark.parametrize(
        ("answer", "badge", "tone", "registration"),
        [
            ("Pending", "Pending", "warn", "Pending"),
            ("Rejected", "Rejected", "bad", "Rejected"),
            ("", "Registering", "busy", "waiting for a response"),
        ],
    )
    def test_is_not_shown_as_a_success(
        self, user: User, bench: Bench, answer: str, badge: str, tone: str, registration: str
    ) -> None:
        bench.moods["registration"] = answer
        user.dial("moody", versions=["ocpp1.6"])
        user.sees("#link", badge)
        assert user.tab.look("document.querySelector('#link').dataset.tone") == tone
        assert user.text("#fact-boot") == registration
        assert user.text("#connect") == "Disconnect"


class TestDisconnecting:
    @pytest.fixture
    def waiting(self, user: User, bench: Bench) -> User:
        """A person with a call that is never answered."""
        bench.moods["registration"] = "Pending"
        user.dial("moody", versions=["ocpp1.6"])
        user.sees("#link", "Pending")
        user.tab.click("#tab-editor")
        user.fill("action", "Heartbeat")
        user.tab.click("#send-checked")
        user.tab.until(lambda: user.messages()[0]["action"] == "Heartbeat", "the call was sent")
        return user

    def test_waits_for_an_answer_only_shortly(self, waiting: User) -> None:
        waiting.tab.click("#connect")
        waiting.sees("#outcome", "ClosedError", seconds=20)  # the call alone would wait for 30
        waiting.sees("#link", "Not connected")

    def test_need_not_wait_at_all(self, waiting: User) -> None:
        button = "const button = document.querySelector('#connect')"
        shown = "while (button.textContent !== 'Close now') await new Promise(next => setTimeout(next, 1))"
        waiting.tab.look(f"(async () => {{ {button}; button.click(); {shown}; button.click(); }})()")
        waiting.sees("#link", "Not connected")


class TestAnIdentityThatIsInUseElsewhere:
    def test_is_left_to_the_newer_connection_until_the_user_wants_it_back(self, user: User, bench: Bench) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        with bench.replaced(identity):
            user.sees("#connection-error", f"The identity {identity} is in use elsewhere.")
            user.sees("#connect", "Connect")
            assert user.text("#link") == "Not connected"
        user.tab.click("#connect")
        user.sees("#link", "Connected")
        assert user.text("#connection-error") == ""

    def test_is_left_to_another_tab_also_where_the_central_system_says_nothing(self, user: User) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        for claimed in ([user.bench.addresses["csms"], "SOMEONE-ELSE"], [user.bench.addresses["csms"], identity]):
            assert user.text("#link") == "Connected"
            user.tab.look(f"new BroadcastChannel('charging-station').postMessage({json.dumps(json.dumps(claimed))})")
        user.sees("#connection-error", "Another tab of this page has connected.")
        user.sees("#link", "Not connected")


class TestAnError:
    def test_goes_away_when_what_it_is_about_is_edited(self, user: User) -> None:
        user.dial("http://127.0.0.1")
        user.sees("#connection-error", "begins with ws:// or wss://")
        user.fill("url", "ws://127.0.0.1")
        assert user.text("#connection-error") == ""
        assert user.tab.look("document.querySelector('#url').getAttribute('aria-invalid')") == "false"


class TestNoConnection:
    """A browser tells a page nothing of the reason, so the page names what it may be."""

    def test_for_a_wrong_password(self, user: User) -> None:
        user.dial("guarded", password="guess")
        user.sees("#connection-error", "the server rejects the password or the identity")
        user.sees("#connect", "Connect")

    def test_for_a_password_that_is_missing(self, user: User) -> None:
        user.dial("guarded")
        user.sees("#connection-error", "the server requires a password")

    def test_for_a_port_that_refuses(self, user: User) -> None:
        user.dial("refused")
        user.sees("#connection-error", "no server listens there")
        assert "127.0.0.1" in user.text("#connection-error")

    def test_for_a_server_of_another_version(self, user: User) -> None:
        user.dial("old", versions=["ocpp2.1"])
        user.sees("#connection-error", "the server does not support 2.1")

    @pytest.mark.parametrize(
        ("address", "words"),
        [("", "Enter the address"), ("http://127.0.0.1", "begins with ws:// or wss://"), ("ws://", "has no host")],
    )
    def test_for_what_is_no_address(self, user: User, address: str, words: str) -> None:
        user.dial(address)
        user.sees("#connection-error", words)
        assert user.tab.look("document.activeElement.id") == "url"

    def test_for_a_port_that_browsers_never_dial(self, user: User) -> None:
        user.dial("ws://127.0.0.1:1")
        user.sees("#connection-error", "No connection to ws://127.0.0.1:1")

    def test_for_a_server_that_never_answers_and_it_can_be_cancelled(self, user: User) -> None:
        user.dial("silent")
        user.sees("#link", "Connecting")
        assert user.text("#connect") == "Cancel"
        user.tab.click("#connect")
        user.sees("#link", "Not connected")
        assert user.text("#connection-error") == ""

    def test_for_one_that_is_cancelled_and_the_next_one_is_not_ended_with_it(self, user: User) -> None:
        user.dial("silent")
        user.sees("#link", "Connecting")
        again = f"document.querySelector('#url').value = {user.bench.addresses['csms']!r}"
        user.tab.look(
            f"document.querySelector('#connect').click(); {again}; document.querySelector('#connect').click()"
        )
        user.sees("#link", "Connected")
        assert user.text("#connection-error") == ""

    def test_for_no_version_at_all(self, user: User) -> None:
        user.dial(versions=[])
        user.sees("#connection-error", "at least one version")
        assert user.tab.look("document.activeElement.id") == "newest"

    def test_for_a_policy_that_forbids_the_address(self, user: User) -> None:
        user.dial("barred")
        user.sees("#connection-error", "its Content-Security-Policy forbids it")
