"""A store that fails: what is rejected, what is held, and how the queue continues."""

import pytest

from ocpp_core.errors import StoreError
from ocpp_core.outbox.stored.outcomes import MessageAnswered
from ocpp_core.outbox.stored.records import ReplaceAll
from tests.core.outbox.owner import Owner
from tests.tables import each


class TestAStoreThatFails:
    def failed(self):
        owner = Owner()
        kept = owner.send()
        owner.holds = True
        lost = owner.send()
        number = owner.batches[0].number
        owner.batches.clear()
        owner.outbox.store_failed(number, OSError("disk full"))
        return owner, kept, lost, number

    def test_rejects_what_was_never_durable(self):
        owner, _, lost, _ = self.failed()
        assert (owner.rejected, owner.reports) == ([lost], ["STORE_FAILED"])

    def test_accepts_and_sends_nothing_until_it_is_back(self):
        owner, kept, _, _ = self.failed()
        with pytest.raises(StoreError, match="cannot enqueue DataTransfer: the store cannot write"):
            owner.enqueue()
        owner.answer()
        owner.lose()
        owner.open()
        assert (owner.sent_tickets, owner.outcomes, owner.batches) == ([kept], {}, [])

    def test_gets_the_whole_state_when_it_is_back_and_then_the_outputs_leave(self):
        owner, kept, _, _ = self.failed()
        owner.answer()
        owner.outbox.store_back()
        (batch,) = owner.batches
        assert [type(operation) for operation in batch.operations] == [ReplaceAll]
        assert owner.outcomes == {}
        owner.commit()
        assert (owner.outcomes, owner.disk.records) == ({kept: MessageAnswered("{}")}, {})

    def test_that_continues_in_memory_says_so_and_says_when_it_is_durable_again(self):
        owner = Owner()
        owner.outbox.store_degraded(OSError("disk full"))
        ticket = owner.send()
        owner.outbox.store_back()
        owner.outbox.store_back()
        assert (owner.accepted, owner.sent_tickets) == ([ticket], [ticket])
        assert owner.reports == ["STORE_DEGRADED", "STORE_BACK"]
        assert owner.batches == []

    def test_frees_the_slot_of_a_transmission_that_was_not_written(self):
        owner = Owner(online=False)
        ticket = owner.send()
        owner.holds = True
        owner.open()
        number = owner.batches[0].number
        owner.batches.clear()
        taken = [owner.outbox.has_slot]
        owner.outbox.store_failed(number, OSError("disk full"))
        assert [*taken, owner.outbox.has_slot] == [True, False]
        owner.outbox.store_back()
        owner.holds = False
        owner.settle()
        assert owner.sent_tickets == [ticket]

    @each("number", [-1, 99])
    def test_must_name_a_batch_that_was_emitted(self, number):
        owner = Owner()
        owner.send()
        with pytest.raises(ValueError, match="expected"):
            owner.outbox.store_failed(number, OSError())
        with pytest.raises(ValueError, match="expected"):
            owner.outbox.stored(number)

    def test_cannot_lose_what_it_reported_as_durable(self):
        owner = Owner()
        owner.send()
        with pytest.raises(ValueError, match="which is durable"):
            owner.outbox.store_failed(1, OSError())
