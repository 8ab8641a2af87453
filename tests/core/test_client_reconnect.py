"""A client that lost its connection: waiting, dialling again, giving up."""

from math import inf

from ocpp_core.actions import (
    OpenTransport,
    StateChanged,
)
from ocpp_core.backoff import ExponentialBackoff, OCPPBackoff
from ocpp_core.client_states import Connecting, Online, Stopped, Waiting
from ocpp_core.errors import (
    WebsocketUpgradeError,
)
from ocpp_core.inputs import (
    Tick,
    TransportOpened,
)
from tests.core.player import (
    STEADY,
    an_online_client,
    come_back,
    entered,
    fail,
    lose,
    states,
)
from tests.tables import each


class TestReconnect:
    def test_waits_then_dials_again(self):
        client = an_online_client(backoff=STEADY)
        done = lose(client, 1001)
        assert states(done) == [Waiting(10, 1, 10, (1001, ""))]
        client.now = 9.9
        assert client.play(Tick()) == []
        done = client.wait(0.1)
        assert done == [StateChanged(Connecting(2, 40, 1)), OpenTransport(2, ("ocpp2.1", "ocpp1.6"))]

    @each("code", [1000, 1001, 1008, 4000])
    def test_comes_whatever_code_the_peer_closed_with(self, code):
        client = an_online_client()
        assert entered(lose(client, code)) == [Waiting]

    def test_can_be_off(self):
        client = an_online_client(reconnect=False)
        done = lose(client, 1001)
        assert states(done) == [Stopped(1001, "", lost=True)]

    def test_waits_longer_after_each_failure(self):
        client = an_online_client(backoff=STEADY)
        lose(client)
        for delay in (10, 20, 30):
            assert client.engine.state.delay == delay
            client.wait(delay)
            fail(client)

    def test_draws_its_jitter_from_the_given_source(self):
        delays = []
        for _ in range(2):
            client = an_online_client(backoff=ExponentialBackoff(minimum=8, maximum=8))
            lose(client)
            delays.append(client.engine.state.delay)
        assert delays[0] == delays[1]
        assert 4 < delays[0] < 8

    @each(
        ("asked", "least", "most"),
        [
            (0.0, 20, 20),  # the policy's own
            (1.0, 20, 20),
            (120.0, 120, 150),
            (3600.0, 3600, 4500),
            (3601.0, 2700, 3600),
            (999_999_999.0, 2700, 3600),
            (inf, 2700, 3600),
        ],
    )
    def test_waits_as_long_as_the_server_asks_within_reason(self, asked, least, most):
        client = an_online_client(backoff=STEADY)
        lose(client)
        client.wait(10)
        fail(client, retry_after=asked)
        assert least <= client.engine.state.delay <= most

    @each(("most", "least_wait"), [(0, 20), (60, 45), (1e9, 999_999_999)])
    def test_heeds_no_more_of_a_retry_after_than_it_is_told_to(self, most, least_wait):
        client = an_online_client(backoff=STEADY, max_retry_after=most)
        lose(client)
        client.wait(10)
        fail(client, retry_after=999_999_999.0)
        assert least_wait <= client.engine.state.delay <= max(20, most * 1.25)

    def test_does_not_come_back_in_step_with_others_that_were_told_the_same(self):
        delays = set()
        for seed in range(20):
            client = an_online_client(backoff=STEADY, seed=seed)
            lose(client)
            client.wait(10)
            fail(client, retry_after=999_999_999.0)
            delays.add(client.engine.state.delay)
        assert len(delays) == 20

    def test_times_out_each_attempt(self):
        client = an_online_client(backoff=STEADY, connect_timeout=5)
        lose(client)
        assert entered(client.wait(15)) == [Connecting, Waiting]

    def test_goes_on_after_a_wrong_101(self):
        """One of many servers behind a load balancer may be broken: a first attempt gives up, a reconnect does not."""
        client = an_online_client(backoff=STEADY)
        lose(client)
        client.wait(10)
        assert entered(fail(client, WebsocketUpgradeError("bad key"), retry=False)) == [Waiting]
        client.wait(20)
        assert entered(client.play(TransportOpened("ocpp1.6", attempt=3))) == [Online]

    def test_goes_on_after_a_subprotocol_that_was_not_offered(self):
        client = an_online_client(backoff=STEADY)
        lose(client)
        done = come_back(client, "ocpp2.0.1")
        assert entered(done)[-1] is Waiting

    def test_counts_a_wrong_101_as_a_failure_like_any_other(self):
        client = an_online_client(backoff=STEADY, max_reconnects=1)
        lose(client)
        client.wait(10)
        done = fail(client, WebsocketUpgradeError("bad key"), retry=False)
        assert states(done) == [Stopped(1001, "Giving up")]


class TestGivingUp:
    """`max_reconnects`: failed attempts in a row."""

    def test_comes_after_that_many_failures(self):
        client = an_online_client(backoff=STEADY, max_reconnects=2)
        lose(client)
        client.wait(10)
        assert entered(fail(client)) == [Waiting]
        client.wait(20)
        done = fail(client)
        assert states(done) == [Stopped(1001, "Giving up")]
        assert client.engine.deadline == inf

    def test_of_zero_is_no_reconnect(self):
        client = an_online_client(max_reconnects=0)
        assert entered(lose(client)) == [Stopped]

    def test_counts_anew_after_a_connection_that_lasted(self):
        client = an_online_client(backoff=STEADY, max_reconnects=1)
        for _ in range(3):
            lose(client)
            come_back(client)
            client.wait(10)
        assert entered(lose(client)) == [Waiting]

    def test_counts_on_after_a_connection_that_did_not_last(self):
        """A server that accepts and drops is not hammered: the counter resets after ten seconds online, not at open."""
        client = an_online_client(backoff=STEADY, max_reconnects=2)
        lose(client)
        for delay in (10, 20):
            assert client.engine.state.delay == delay
            come_back(client)
            client.wait(9.9)
            lose(client)
        assert isinstance(client.engine.state, Stopped)

    def test_counts_anew_at_open_under_the_policy_of_ocpp_2(self):
        client = an_online_client(backoff=OCPPBackoff(wait_minimum=10, random_range=0))
        for _ in range(3):
            lose(client)
            assert client.engine.state.delay == 10
            come_back(client)
