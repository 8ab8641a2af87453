"""Refusing newcomers while the event loop is late: on a clock that the test moves, and on every event loop."""

import logging
from typing import Any

import pytest

from ocpp_core.actions import UpgradeRequested
from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.step import Candidate
from ocpp_core.inputs import Reject
from ocpp_transports._logging._log import Log
from ocpp_transports._runtime._lag import LAG_INTERVAL, LagProbe
from ocpp_transports._server._admitting._shedding import BAD_SAMPLES, Shedding
from tests.transports.fake_host import FakeHost
from tests.transports.pairs import client_of, knock, serving, upgrade

LIMIT = 0.1
NEWCOMER = Candidate(UpgradeRequested("/CP1", {}, ()), ConnectionFacts())


class LateHost(FakeHost):
    """A host whose next samples the test chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.lag = LagProbe(self.now, self.call_at)
        self.log = Log(logging.getLogger("ocpp_ws_io"), "server", is_station=False)

    def sample(self, *lags: float) -> None:
        for lag in lags:
            self.work(LAG_INTERVAL + lag)
            self.run()


@pytest.fixture
def host():
    return LateHost()


@pytest.fixture
def shedding(host: Any):
    return Shedding(host)


def is_accepted(steps) -> bool:
    answers = [step(NEWCOMER) for step in steps]
    for answer in answers:
        assert answer is None or (isinstance(answer, Reject) and answer.status == 503)
        assert answer is None or "retry-after" in dict(answer.headers)
    return not any(answers)


class TestShedding:
    def test_begins_after_several_late_samples_in_a_row_and_ends_after_as_many_good_ones(self, host, shedding, caplog):
        steps = shedding.limit_to(LIMIT)
        late, good = 2 * LIMIT, LIMIT / 2
        host.sample(*[late] * (BAD_SAMPLES - 1), good, *[late] * (BAD_SAMPLES - 1))
        assert is_accepted(steps)
        host.sample(late)
        assert not is_accepted(steps)
        host.sample(*[good] * (BAD_SAMPLES - 1), late, *[good] * (BAD_SAMPLES - 1))
        assert not is_accepted(steps)
        host.sample(good)
        assert is_accepted(steps)
        assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
            "newcomers are refused (shed_lag=0.1 s)",
            "newcomers are accepted (shed_lag=0.1 s)",
        ]

    def test_has_neither_a_step_nor_a_timer_without_a_limit(self, host, shedding):
        assert shedding.limit_to(float("inf")) == ()
        assert host.armed() == []

    def test_ends_with_its_limit(self, host, shedding):
        (step,) = shedding.limit_to(LIMIT)
        host.sample(*[1] * BAD_SAMPLES)
        assert not is_accepted([step])
        shedding.limit_to(float("inf"))
        assert is_accepted([step])
        assert host.armed() == []

    def test_goes_on_with_other_options(self, host, shedding):
        shedding.limit_to(LIMIT)
        host.sample(*[1] * BAD_SAMPLES)
        assert not is_accepted(shedding.limit_to(LIMIT))
        assert len(host.armed()) == 1


@pytest.mark.anyio
async def test_newcomers_get_503_and_stations_are_served():
    async with serving(shed_lag=30) as (server, listener), client_of(listener) as client:
        server.handle("Heartbeat", lambda ctx: {"currentTime": "2026-01-01T00:00:00Z"})
        await client.connect()
        assert server._runtime is not None
        watchers = server._runtime.lag._watchers
        for watcher in [*watchers] * BAD_SAMPLES:
            watcher.sampled(31)
        status, headers, body = await knock(listener, upgrade("/ocpp/CP2"))
        assert (status, headers["retry-after"], body) == (503, "10", "Overloaded")
        await client.call("Heartbeat", {})
        server.reconfigure(shed_lag=0)
        assert not watchers
        async with client_of(listener, "CP2") as newcomer:
            await newcomer.connect()
