"""What holds of queued commands, whatever fails; and that these histories find what would break it."""

import os

import pytest

from ocpp_core.cluster.queue import table
from ocpp_core.cluster.queue.delivery import QueueDelivery
from ocpp_core.cluster.queue.delivery_events import CommandEnded
from ocpp_core.cluster.queue.records import CommandState
from ocpp_core.cluster.queue.table import QueueTable
from tests.core.cluster.queue.histories import LOST, Broken, History

HISTORIES = int(os.environ.get("CLUSTER_HISTORIES", "3"))
ENOUGH = 40
"""Histories in which each mistake is found."""


@pytest.mark.parametrize("loses_data", [False, True])
def test_no_command_is_sent_twice_and_each_gets_one_true_outcome(loses_data):
    for seed in range(HISTORIES):
        History(seed, loses_data=loses_data).play()


class TakesWhatAnotherMarked(QueueTable):
    def take(self, station, token, patience, now, *, is_owner):
        for entry in self._reach(station, now).of(CommandState.TAKEN):
            entry.state = CommandState.QUEUED
        return super().take(station, token, patience, now, is_owner=is_owner)


class SettlesAnyMark(QueueTable):
    def settle(self, station, token, number, outcome, now):
        for entry in self._reach(station, now).of(CommandState.TAKEN):
            entry.token = token
        return super().settle(station, token, number, outcome, now)


class ChangesOutcomes(QueueTable):
    def settle(self, station, token, number, outcome, now):
        for entry in self._reach(station, now).of(CommandState.SETTLED):
            if entry.number == number and outcome is not None:
                entry.outcome = outcome
        return super().settle(station, token, number, outcome, now)


class StoresAtTheHead(QueueTable):
    def enqueue(self, station, *args):
        answer = super().enqueue(station, *args)
        entries = self._queues[station].entries
        entries.insert(0, entries.pop())
        return answer


class GivesBackAtTheEnd(QueueTable):
    def settle(self, station, token, number, outcome, now):
        queue = self._reach(station, now)
        mine = [each for each in queue.entries if each.token == token and outcome is None]
        queue.entries = [each for each in queue.entries if each not in mine] + mine
        return super().settle(station, token, number, outcome, now)


class GivesBackWhatMayBeWritten(QueueDelivery):
    def handle(self, event, now):
        if isinstance(event, CommandEnded) and event.outcome == LOST:
            event = CommandEnded(event.station, event.token, None)
        super().handle(event, now)


def is_found(**history):
    for seed in range(ENOUGH):
        try:
            History(seed, **history).play()
        except Broken:
            return True
    return False


@pytest.mark.parametrize(
    "mistake", [TakesWhatAnotherMarked, SettlesAnyMark, ChangesOutcomes, StoresAtTheHead, GivesBackAtTheEnd]
)
def test_a_mistake_of_the_store_is_found(mistake):
    assert is_found(table=mistake)


@pytest.mark.parametrize("name", ["RESTARTED", "LOST", "CANCELLED_SENT"])
def test_a_store_that_calls_a_sent_command_unsent_is_found(name, monkeypatch):
    monkeypatch.setattr(table, name, table.EXPIRED)
    assert is_found()


def test_a_node_that_gives_back_what_may_be_written_is_found():
    assert is_found(make=GivesBackWhatMayBeWritten)
