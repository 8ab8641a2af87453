"""A command becomes a record."""

import json

import pytest

from ocpp_core.outbox.accepting import is_droppable, lane_of
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.records import Lane
from tests.core.outbox.owner import Owner
from tests.tables import each


class TestTheLane:
    @each(
        ("action", "payload", "lane", "droppable"),
        [
            ("StartTransaction", {}, Lane.TRANSACTION, False),
            ("StopTransaction", {}, Lane.TRANSACTION, False),
            ("MeterValues", {"connectorId": 1}, Lane.TRANSACTION, True),
            ("MeterValues", {"evseId": 1}, Lane.OTHER, True),
            ("TransactionEvent", {"eventType": "Started"}, Lane.TRANSACTION, False),
            ("TransactionEvent", {"eventType": "Updated"}, Lane.TRANSACTION, True),
            ("SecurityEventNotification", {}, Lane.OTHER, False),
        ],
    )
    def test_follows_from_the_action(self, action, payload, lane, droppable):
        assert (lane_of(action, payload, OutboxConfig()), is_droppable(action, payload)) == (lane, droppable)

    def test_may_be_that_of_transactions_for_further_actions(self):
        owner = Owner(online=False, ordered=frozenset({"SecurityEventNotification"}))
        owner.send("SecurityEventNotification")
        assert next(iter(owner.outbox.records)).lane is Lane.TRANSACTION
        assert owner.outbox.is_ordered("SecurityEventNotification", {})

    def test_may_be_chosen(self):
        owner = Owner(online=False)
        owner.send("SecurityEventNotification", lane="transaction")
        assert next(iter(owner.outbox.records)).lane is Lane.TRANSACTION


class TestABootNotification:
    @each(("urgent", "is_first"), [(None, True), (False, False)])
    def test_precedes_all_others_unless_the_command_says_otherwise(self, urgent, is_first):
        owner = Owner(gate="boot")
        owner.send("StartTransaction")
        boot = owner.send("BootNotification", urgent=urgent)
        assert owner.sent_tickets == [boot] * is_first


class TestThePayload:
    def test_is_frozen_when_it_is_enqueued(self):
        owner = Owner(online=False)
        payload = {"timestamp": "2026-03-01T12:00:00Z"}
        owner.send("StartTransaction", payload)
        payload["timestamp"] = "later"
        owner.open()
        assert json.loads(owner.last.payload) == {"timestamp": "2026-03-01T12:00:00Z"}

    @each(
        ("online", "payload", "sent"),
        [
            (False, {"seqNo": 1}, {"seqNo": 1, "offline": True}),
            (True, {"seqNo": 1}, {"seqNo": 1}),
            (False, {"seqNo": 1, "offline": False}, {"seqNo": 1, "offline": False}),
        ],
    )
    def test_of_a_transaction_event_says_if_it_was_made_offline(self, online, payload, sent):
        owner = Owner(online=online)
        owner.send("TransactionEvent", payload)
        owner.open()
        assert json.loads(owner.last.payload) == sent


class TestMisuse:
    @each(
        ("options", "error", "message"),
        [
            ({"action": ""}, TypeError, "expected an action name"),
            ({"payload": [1]}, TypeError, "expected a dict as payload, got list"),
            ({"payload": {"x": {1}}}, TypeError, "expected JSON values"),
            ({"key": ""}, ValueError, "expected key as a text of 1 to 255 characters"),
            ({"replaces": "x" * 256}, ValueError, "expected replaces as a text"),
            ({"ttl": 0}, ValueError, "expected ttl > 0 seconds, got 0"),
            ({"deadline": -1}, ValueError, "expected deadline > 0 seconds"),
            ({"interval": -1}, ValueError, "expected interval >= 0 seconds"),
            ({"attempts": True}, ValueError, "expected attempts 0 to 1000000 transmissions, got True"),
            ({"lane": "fast"}, ValueError, "fast"),
            ({"resend": "no"}, TypeError, "expected resend as bool or None, got 'no'"),
            ({"urgent": 1}, TypeError, "expected urgent as bool or None, got 1"),
            ({"protocol": "\ud800"}, ValueError, "expected protocol as a text"),
            ({"transaction": []}, TypeError, "expected transaction as int or None"),
            ({"action": "StopTransaction", "urgent": True}, ValueError, "expected urgent=False"),
            ({"action": "StartTransaction", "droppable": True}, ValueError, "expected droppable=False"),
            ({"action": "StartTransaction", "lane": Lane.OTHER}, ValueError, "in the transaction lane"),
            ({"transaction": 5}, ValueError, "expected the transaction lane"),
            ({"last": True}, ValueError, "expected the transaction of its last message"),
            ({"action": "StopTransaction", "transaction": 5}, ValueError, "expected the ticket of a StartTransaction"),
        ],
    )
    def test_raises_and_changes_nothing(self, options, error, message):
        owner = Owner()
        with pytest.raises(error, match=message):
            owner.enqueue(**options)
        owner.settle()
        assert (len(owner.outbox), owner.effects) == (0, [])

    @each("settings", [{"retry_id": "old"}, {"gate": "shut"}, {"max_bytes": 0}, {"interval": -1.0}, {"attempts": -1}])
    def test_settings_are_checked(self, settings):
        with pytest.raises(ValueError, match="expected"):
            OutboxConfig(**settings)

    @each("ordered", [{"SecurityEventNotification"}, frozenset({1})])
    def test_further_actions_of_the_lane_are_a_frozenset_of_names(self, ordered):
        with pytest.raises(TypeError, match="expected ordered as a frozenset of actions"):
            OutboxConfig(ordered=ordered)
