"""The tools of the page: messages, editor, configuration and faults."""

import json

import pytest

from tests.web.bench import Bench, User

pytestmark = pytest.mark.timeout(180)


class TestTheMessages:
    def test_come_newest_first_with_direction_action_and_verdict(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        user.tab.until(lambda: len(user.messages()) > 3, "some messages")
        call = user.messages()[-1]
        assert (call["direction"], call["action"], call["kind"]) == ("sent", "BootNotification", "CALL")
        assert call["check"] == "✓ valid"
        assert "messages" in user.text("#log-count")

    def test_open_as_json(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        user.tab.look("document.querySelector('.entry:last-child summary').click()")
        user.sees(".entry:last-child [data-part=json]", "chargePointVendor")
        frame = json.loads(user.text(".entry:last-child [data-part=json]"))
        assert frame[2] == "BootNotification"

    def test_are_filtered_by_text_and_direction(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        user.fill("filter", "chargePointVendor")
        assert [row["action"] for row in user.messages()] == ["BootNotification"]
        user.fill("filter", "")
        user.fill("show", "received")
        assert {row["direction"] for row in user.messages()} == {"received"}
        user.fill("show", "all")

    def test_stand_still_while_paused(self, user: User, bench: Bench) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        user.sees("#log-count", "messages")
        user.tab.click("#pause")
        before = len(user.messages())
        bench.command(f"read {identity} HeartbeatInterval")
        user.sees("#log-count", "more while paused")
        assert len(user.messages()) == before
        user.tab.click("#pause")
        user.sees(".entry .action", "GetConfiguration")

    def test_that_pile_up_meanwhile_are_counted_and_the_latest_of_them_are_listed(
        self, user: User, bench: Bench
    ) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        user.tab.click("#pause")
        for number in range(160):
            bench.command(f'call {identity} DataTransfer {{"vendorId": "v{number}"}}')
        user.sees("#log-count", "320 more while paused")
        note = "new MutationObserver(all => { for (const one of all) rows.push(one.addedNodes.length) })"
        user.tab.look(f"rows = []; {note}.observe(document.querySelector('#log'), {{childList: true}})")
        user.tab.click("#pause")
        user.sees("#log-count", "300 messages, 28 older dropped.")
        assert user.text("#log > :last-child").startswith("28 older messages were dropped")
        assert max(user.tab.look("rows")) <= 40  # the page can react in between
        user.fill("filter", "v159")
        user.sees("#log-count", "300 messages, 1 shown, 28 older dropped.")
        assert user.text("#log-found") == "300 messages, 1 shown, 28 older dropped."

    def test_can_be_forgotten(self, user: User) -> None:
        user.connect()
        user.tab.click("[data-click=clear-log]")
        user.sees("#log-count", "No messages yet.")

    def test_of_a_peer_that_breaks_the_schema_are_marked(self, user: User, bench: Bench) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        bench.command(f'call {identity} Reset {{"type": "Sofa"}}')
        user.fill("show", "problems")
        user.tab.until(lambda: "✕ problem" in {row["check"] for row in user.messages()}, "a problem is shown")
        broken = user.messages()[-1]
        assert (broken["direction"], broken["action"]) == ("received", "Reset")
        assert "violates enum" in broken["problem"]
        user.fill("show", "all")

    def test_are_copied(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        origin = user.tab.look("location.origin")
        user.tab.send(
            "Browser.grantPermissions", origin=origin, permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
        )
        user.tab.send("Page.bringToFront")
        user.tab.click("[data-click=copy-all]")
        user.sees("[data-click=copy-all]", "Copied")
        user.tab.click("[data-click=copy-all]")
        user.tab.until(lambda: user.text("[data-click=copy-all]") == "Copy", "the button has its name again")
        lines = user.tab.look("navigator.clipboard.readText()").splitlines()
        assert json.loads(lines[0])["action"] == "BootNotification"


class TestTheEditor:
    @pytest.fixture
    def editor(self, user: User) -> User:
        user.connect(versions=["ocpp1.6"])
        user.tab.click("#tab-editor")
        return user

    def test_offers_the_actions_of_the_version_with_a_skeleton_and_hints(self, editor: User) -> None:
        editor.fill("action", "StatusNotification")
        assert json.loads(editor.tab.look("document.querySelector('#text').value")).keys() == {
            "connectorId",
            "errorCode",
            "status",
        }
        assert "ConnectorLockFailure | EVCommunicationError" in editor.text("#hints")
        assert "TransactionEvent" not in editor.text("#action")
        editor.sees("#verdict", "✓ Conforms")

    def test_judges_while_one_types(self, editor: User) -> None:
        editor.fill("action", "Heartbeat")
        editor.fill("text", '{"oops": ')
        editor.sees("#verdict", "Malformed JSON")
        editor.fill("text", '{"oops": 1}')
        editor.sees("#verdict", "oops is unknown")
        assert editor.tab.look("document.querySelector('#text').getAttribute('aria-invalid')") == "true"
        editor.tab.click("#send-checked")
        editor.sees("#outcome", "Not sent")

    def test_shows_the_answer_to_a_checked_call(self, editor: User) -> None:
        editor.fill("action", "Heartbeat")
        editor.tab.click("#send-checked")
        editor.sees("#outcome", "Answered")
        assert "currentTime" in json.loads(editor.text("#answer"))

    def test_shows_the_error_that_answers_a_call(self, editor: User) -> None:
        editor.fill("action", "SignCertificate")
        editor.tab.click("#send-checked")
        editor.sees("#outcome", "NotImplemented")

    def test_sends_anything_as_it_is(self, editor: User) -> None:
        editor.fill("action", "Heartbeat")
        editor.fill("text", "{oops")
        editor.tab.click("[data-click=send-raw]")
        editor.sees("#outcome", "Sent as it is")
        editor.tab.until(lambda: editor.messages()[0]["kind"] == "not a message", "what was sent is listed")
        assert editor.messages()[0]["direction"] == "sent"

    def test_sends_a_payload_that_breaks_the_schema_as_it_is(self, editor: User) -> None:
        editor.fill("action", "BootNotification")
        editor.fill("text", '{"chargePointVendor": 5}')
        editor.sees("#verdict", "violates")
        editor.tab.click("[data-click=send-raw]")
        editor.sees(".entry .action", "BootNotification")
        sent = next(row for row in editor.messages() if row["check"] == "✕ problem")
        assert (sent["direction"], sent["action"]) == ("sent", "BootNotification")

    def test_sends_a_whole_frame(self, editor: User) -> None:
        editor.fill("mode", "frame")
        editor.fill("text", '[2,"by-hand","Heartbeat",{}]')
        editor.sees("#verdict", "✓ Conforms")
        editor.tab.click("#send-checked")
        editor.sees("#outcome", "Answered")
        editor.fill("mode", "payload")

    def test_says_so_without_a_connection(self, user: User) -> None:
        user.tab.click("#tab-editor")
        user.fill("action", "Heartbeat")
        user.tab.click("#send-checked")
        user.sees("#outcome", "not connected")


class TestTheConfiguration:
    def edit(self, user: User, key: str, value: str) -> str:
        """Write a value as a person does; returns what was there before."""
        field = f"document.querySelector(\"[data-key='{key}']\")"
        user.tab.click("#tab-settings")
        user.tab.wait(f"{field} !== null")
        before: str = user.tab.look(f"{field}.value")
        user.tab.look(f"{field}.focus()")
        user.tab.type(value)
        user.tab.press("Enter")
        return before

    def test_lists_the_settings_of_the_version(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        user.tab.click("#tab-settings")
        user.sees("#settings", "HeartbeatInterval")
        user.fill("settings-filter", "heartbeat")
        assert user.tab.look("document.querySelectorAll('#settings tr:not([hidden])').length") == 1
        user.fill("settings-filter", "")

    @pytest.mark.parametrize(
        ("version", "key"), [("ocpp1.6", "HeartbeatInterval"), ("ocpp2.1", "OCPPCommCtrlr.HeartbeatInterval")]
    )
    def test_is_edited_in_place_and_the_central_system_reads_it(
        self, user: User, bench: Bench, version: str, key: str
    ) -> None:
        identity = user.connect(versions=[version])
        self.edit(user, key, "123")
        user.sees("#settings-message", "HeartbeatInterval is now 123.")
        assert "123" in bench.command(f"read {identity} {key}")

    def test_follows_what_the_central_system_changes(self, user: User, bench: Bench) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        user.tab.click("#tab-settings")
        assert "Accepted" in bench.command(f"set {identity} HeartbeatInterval 77")
        user.tab.wait("document.querySelector('[data-key=HeartbeatInterval]').value === '77'")

    def test_refuses_a_value_and_shows_the_old_one(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        before = self.edit(user, "HeartbeatInterval", "often")
        user.sees("#settings-message", "Not changed: HeartbeatInterval does not accept 'often'.")
        assert user.tab.look("document.querySelector('[data-key=HeartbeatInterval]').value") == before


class TestFaults:
    def test_are_armed_and_strike(self, user: User, bench: Bench) -> None:
        identity = user.connect(versions=["ocpp1.6"])
        user.tab.click("#tab-faults")
        user.fill("faults-kind", "wrong_type")
        user.fill("faults-target", "answer")
        user.fill("faults-action", "GetConfiguration")
        user.tab.click("#faults-form [type=submit]")
        user.sees("#armed", "Send a wrong type in the next GetConfiguration response")
        bench.command(f"read {identity} HeartbeatInterval")
        user.tab.until(lambda: user.text("#armed") == "", "the fault has struck")
        user.tab.until(
            lambda: any(row["action"] == "GetConfiguration" and row["check"] == "✕ problem" for row in user.messages()),
            "the log shows the fault",
        )

    def arm(self, user: User, kind: str, action: str) -> None:
        user.tab.click("#tab-faults")
        for name, value in {"kind": kind, "target": "any", "action": action, "times": "1", "seconds": "0"}.items():
            user.fill(f"faults-{name}", value)
        user.tab.click("#faults-form [type=submit]")
        user.tab.until(lambda: user.text("#armed") != "", "the fault is armed")
        user.fill("faults-seconds", "5")
        user.tab.click("#tab-editor")

    def test_strike_what_the_editor_sends_checked_and_spare_what_it_sends_as_it_is(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        self.arm(user, "drop", "Heartbeat")
        user.fill("action", "Heartbeat")
        user.tab.click("[data-click=send-raw]")
        user.sees("#outcome", "Armed faults do not affect it.")
        user.tab.click("#send-checked")
        user.sees("#outcome", "Heartbeat has no response: a fault altered it")
        user.tab.until(lambda: user.text("#armed") == "", "the fault has struck")

    def test_strike_a_whole_frame_that_no_answer_belongs_to(self, user: User) -> None:
        user.connect(versions=["ocpp1.6"])
        self.arm(user, "wrong_type", "")
        user.fill("mode", "frame")
        user.fill("text", '[3,"by-hand",{"status":"Accepted"}]')
        user.tab.click("#send-checked")
        user.sees("#outcome", "An armed fault affected it: a member got a wrong type.")
        user.fill("mode", "payload")

    def test_are_disarmed(self, user: User) -> None:
        user.connect()
        user.tab.click("#tab-faults")
        user.fill("faults-times", "5")
        user.tab.click("#faults-form [type=submit]")
        user.sees("#armed", "5 times")
        user.tab.click("[data-click=disarm]")
        user.tab.until(lambda: user.text("#armed") == "", "nothing is armed")

    @pytest.mark.parametrize(
        ("field", "value", "good", "words"),
        [
            ("times", "0", "1", "Not armed: expected Times from 1 to 1000 in steps of 1."),
            ("times", "", "1", "Not armed: expected Times"),
            ("times", "1.5", "1", "Not armed: expected Times"),
            ("seconds", "", "5", "Not armed: expected Seconds from 0 to 600 in steps of 0.1."),
            ("seconds", "601", "5", "Not armed: expected Seconds"),
        ],
    )
    def test_that_make_no_sense_are_refused(self, user: User, field: str, value: str, good: str, words: str) -> None:
        user.tab.click("#tab-faults")
        user.fill(f"faults-{field}", value)
        user.tab.click("#faults-form [type=submit]")
        user.sees("#faults-message", words)
        user.fill(f"faults-{field}", good)
        assert user.text("#faults-message") == ""  # it is about what was there before
