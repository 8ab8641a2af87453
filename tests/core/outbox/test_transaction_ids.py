"""The transaction IDs of OCPP 1.6, filled in at the write."""

import json

import pytest

from tests.core.outbox.owner import Owner
from tests.tables import each


def started(answer: str = '{"transactionId":7}') -> tuple[Owner, int]:
    owner = Owner()
    start = owner.send("StartTransaction")
    owner.answer(answer)
    return owner, start


class TestTheId:
    @each(
        ("answer", "expected"),
        [
            ('{"transactionId":7}', 7),
            ("{}", -1),
            ('{"transactionId":"7"}', -1),
            ('{"transactionId":true}', -1),
            ('{"transactionId":9223372036854775808}', -1),
            ("[]", -1),
            ("", -1),
        ],
    )
    def test_is_the_one_of_the_response_or_minus_one(self, answer, expected):
        """1.6 errata 3.18: -1 if there was no response to the start."""
        owner, start = started(answer)
        owner.send("StopTransaction", {"transactionId": 99, "meterStop": 5}, transaction=start, last=True)
        assert json.loads(owner.last.payload) == {"transactionId": expected, "meterStop": 5}
        assert owner.outbox.transaction_id(start) == expected

    def test_is_minus_one_if_the_start_was_given_up_or_never_sent(self):
        owner = Owner(attempts=1)
        start = owner.send("StartTransaction")
        owner.refuse()
        assert owner.outbox.transaction_id(start) == -1
        offline = Owner(online=False)
        start = offline.send("StartTransaction")
        offline.send("StopTransaction", transaction=start, last=True)
        offline.outbox.cancel(start)
        offline.open()
        assert json.loads(offline.last.payload) == {"transactionId": -1}

    def test_survives_a_restart(self):
        owner, start = started()
        again = owner.restart()
        assert again.outbox.transaction_id(start) == 7
        again.send("StopTransaction", transaction=start, last=True)
        assert json.loads(again.last.payload) == {"transactionId": 7}

    def test_is_unknown_while_the_start_has_no_response(self):
        owner = Owner()
        assert owner.outbox.transaction_id(owner.send("StartTransaction")) is None


class TestTheEndOfATransaction:
    def test_forgets_the_id_once_no_message_needs_it(self):
        owner, start = started()
        owner.send("StopTransaction", transaction=start, last=True)
        owner.send("MeterValues", {"connectorId": 1}, transaction=start)
        owner.answer()
        assert json.loads(owner.last.payload)["transactionId"] == 7
        owner.answer()
        assert (owner.outbox.transaction_id(start), owner.disk.bindings) == (None, {})
        with pytest.raises(ValueError, match="whose transaction has not ended"):
            owner.enqueue("MeterValues", {"connectorId": 1}, transaction=start)

    def test_before_the_response_to_the_start_binds_nothing(self):
        owner = Owner()
        start = owner.send("StartTransaction")
        stop = owner.send("StopTransaction", transaction=start, last=True)
        owner.outbox.cancel(stop)
        owner.answer('{"transactionId":7}')
        assert owner.disk.bindings == {}

    def test_before_that_still_binds_for_messages_that_wait(self):
        owner = Owner()
        start = owner.send("StartTransaction")
        owner.send("MeterValues", {"connectorId": 1}, transaction=start)
        stop = owner.send("StopTransaction", transaction=start, last=True)
        owner.outbox.cancel(stop)
        owner.answer('{"transactionId":7}')
        assert json.loads(owner.last.payload)["transactionId"] == 7
        owner.answer()
        assert owner.disk.bindings == {}

    def test_that_never_comes_keeps_only_so_many_ids(self):
        owner = Owner(outcomes_kept=2)
        starts = []
        for number in range(3):
            starts.append(owner.send("StartTransaction"))
            owner.answer(json.dumps({"transactionId": number}))
        assert [owner.outbox.transaction_id(start) for start in starts] == [None, 1, 2]
        assert "BINDING_FORGOTTEN" in owner.reports
