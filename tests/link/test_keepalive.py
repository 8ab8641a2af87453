"""Pings (RFC 6455 §5.5.2) and the detection of dead peers: whatever arrives is a sign of life."""

from itertools import pairwise
from math import inf
from random import Random

import pytest

from ocpp_core.actions import CloseStream, Report, ReportKind
from ocpp_core.config import SessionConfig
from ocpp_core.inputs import CloseLink, Congested, Probe, Reconfigure, TransportLost
from ocpp_core.link import ServerLink
from ocpp_core.timers import GRID
from tests.kinds import an
from tests.link.wire import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    Client,
    Server,
    feed,
    frame,
    news,
    read_frames,
    request,
    sent,
    settings,
    tick,
)

pytestmark = pytest.mark.parametrize("role", [Server, Client])


def pinging(role, **options):
    """An open link that pings; the handshake was at time 0."""
    return role.open(settings(**{"ping_interval": 40, "pong_timeout": 10, **options}))


def ping_due(link):
    """Let the next ping go out: its time."""
    now = link.deadline
    assert read_frames(sent(tick(link, now))) == [(0x80 | PING, b"")]
    return now


class TestPinging:
    def test_each_interval_has_its_own_jitter(self, role):
        link = pinging(role, pong_timeout=inf)
        times = [0.0, *(ping_due(link) for _ in range(20))]
        gaps = [after - before for before, after in pairwise(times)]
        assert all(30 <= gap <= 50 for gap in gaps)
        assert len(set(gaps)) > len(gaps) / 2  # of the 80 quarters of a second there are

    def test_every_deadline_of_an_idle_link_is_on_the_grid(self, role):
        """So that a host needs a few timers for all its idle connections; see `ocpp_core.timers.coarse`."""
        link = pinging(role, ping_interval=30, pong_timeout=35)
        for _ in range(50):
            due = ping_due(link)
            until = link.deadline  # of the pong or of the next ping
            feed(link, frame(PONG, masked=role.masked), now=due + 0.123)
            assert {(when / GRID).is_integer() for when in (due, until, link.deadline)} == {True}

    def test_none_is_sent_with_an_infinite_interval(self, role):
        assert role.open(settings(ping_interval=inf)).deadline == inf

    def test_none_is_sent_in_a_close_handshake(self, role):
        link = pinging(role, close_timeout=7)
        feed(link, CloseLink())
        assert link.deadline == 7

    def test_a_ping_of_the_peer_is_answered_with_its_payload_and_reported(self, role):
        actions = feed(pinging(role), frame(PING, b"payload", masked=role.masked))
        assert read_frames(sent(actions)) == [(0x80 | PONG, b"payload")]
        assert [action.kind for action in actions if isinstance(action, Report)] == [ReportKind.PING]

    def test_an_unasked_pong_is_no_error(self, role):
        actions = feed(pinging(role), frame(PONG, b"?", masked=role.masked))
        assert actions == [Report(ReportKind.PONG)]


class TestDeadPeers:
    def test_silence_after_a_ping_drops_the_stream(self, role):
        link = pinging(role)
        pinged = ping_due(link)
        assert link.deadline == pinged + 10
        report, *rest = tick(link, pinged + 10)
        assert an(Report, report).kind is ReportKind.PONG_TIMEOUT
        assert rest == [CloseStream(abort=True), TransportLost(1006)]
        assert link.deadline == inf

    @pytest.mark.parametrize(
        "sign",
        [
            pytest.param(lambda masked: frame(PONG, masked=masked), id="a pong"),
            pytest.param(lambda masked: frame(TEXT, b"x", masked=masked), id="a message"),
            pytest.param(lambda masked: frame(TEXT, b"x" * 99, masked=masked)[:7], id="a part of a frame"),
        ],
    )
    def test_whatever_arrives_is_a_sign_of_life(self, role, sign):
        link = pinging(role)
        pinged = ping_due(link)
        feed(link, sign(role.masked), now=pinged + 9)
        assert link.deadline > pinged + 10
        assert read_frames(sent(tick(link, link.deadline))) == [(0x80 | PING, b"")]

    def test_a_slow_peer_is_not_cut_by_the_pings_that_follow(self, role):
        """One deadline at a time: the answer to the first ping stops it, however many pings are out."""
        link = pinging(role, pong_timeout=120)
        first = ping_due(link)
        ping_due(link)
        ping_due(link)
        assert link._keepalive.pong_by < inf
        feed(link, frame(PONG, masked=role.masked), now=first + 119)
        assert news(tick(link, first + 121)) == []

    def test_the_deadline_is_that_of_the_first_unanswered_ping(self, role):
        link = pinging(role, pong_timeout=120)
        first = ping_due(link)
        ping_due(link)
        assert news(tick(link, first + 120)) == [CloseStream(abort=True), TransportLost(1006)]

    def test_an_infinite_timeout_never_drops(self, role):
        link = pinging(role, pong_timeout=inf)
        for _ in range(5):
            ping_due(link)

    def test_unread_bytes_are_signs_of_life_while_output_is_congested(self, role):
        link = pinging(role)
        pinged = ping_due(link)
        feed(link, Congested(on=True), frame(TEXT, b"x", masked=role.masked), now=pinged + 9)
        assert news(tick(link, pinged + 10)) == []

    def test_a_pong_is_awaited_from_when_output_was_last_seen_to_move(self, role):
        link = pinging(role)
        pinged = ping_due(link)
        assert news(feed(link, Congested(on=False), now=pinged + 9)) == []
        assert news(tick(link, pinged + 18)) == []
        assert news(tick(link, pinged + 19))[-1] == TransportLost(1006)

    def test_moving_output_makes_nobody_wait_for_a_pong_that_came(self, role):
        link = pinging(role)
        pinged = ping_due(link)
        feed(link, frame(PONG, masked=role.masked), Congested(on=False), now=pinged + 1)
        assert link._keepalive.pong_by == inf

    def test_moving_output_gives_a_message_that_has_begun_no_more_time(self, role):
        link = pinging(role, message_timeout=20, ping_interval=inf)
        feed(link, frame(TEXT, b"x" * 99, masked=role.masked)[:7], now=1)
        until = link.deadline
        feed(link, Congested(on=False), now=10)
        assert link.deadline == until


class TestDeferredPings:
    def test_a_ping_waits_while_bytes_arrive_within_the_interval(self, role):
        link = pinging(role, defer_pings_on_activity=True)
        due = link.deadline
        feed(link, frame(TEXT, b"x", masked=role.masked), now=due - 1)
        assert sent(tick(link, due)) == b""
        assert link.deadline == due - 1 + 40
        ping_due(link)

    def test_a_silent_peer_is_pinged_in_time(self, role):
        link = pinging(role, defer_pings_on_activity=True, ping_interval=40)
        feed(link, frame(PONG, masked=role.masked), now=1)
        while link.deadline < 41:
            assert sent(tick(link, link.deadline)) == b""
        ping_due(link)

    def test_without_the_option_traffic_postpones_nothing(self, role):
        link = pinging(role)
        due = link.deadline
        feed(link, frame(TEXT, b"x", masked=role.masked), now=due - 1)
        assert read_frames(sent(tick(link, due))) == [(0x80 | PING, b"")]


class TestReconfigure:
    def test_a_new_interval_counts_from_now(self, role):
        link = pinging(role)
        feed(link, Reconfigure(settings(ping_interval=4)), now=10)
        assert 13 <= link.deadline <= 15
        feed(link, Reconfigure(settings(ping_interval=inf)), now=11)
        assert link.deadline == inf

    def test_the_same_interval_leaves_the_next_ping_where_it_was(self, role):
        link = pinging(role)
        due = link.deadline
        feed(link, Reconfigure(settings(ping_interval=40, pong_timeout=99)), now=10)
        assert link.deadline == due

    def test_enforcement_can_be_switched_off_with_a_ping_out(self, role):
        link = pinging(role)
        pinged = ping_due(link)
        feed(link, Reconfigure(settings(ping_interval=40, pong_timeout=inf)), now=pinged + 1)
        assert news(tick(link, pinged + 10)) == []

    def test_settings_of_other_layers_are_not_for_the_link(self, role):
        link = pinging(role)
        due = link.deadline
        assert feed(link, Reconfigure(SessionConfig())) == []
        assert link.deadline == due


class TestTime:
    def test_it_never_runs_backwards(self, role):
        link = pinging(role, close_timeout=7, ping_interval=inf)
        tick(link, 100)
        feed(link, CloseLink(), now=50)
        assert link.deadline == 107

    def test_nothing_is_pinged_before_the_websocket_is_open(self, role):
        link = ServerLink(settings(ping_interval=1, handshake_timeout=30), random=Random(1), now=0.0)
        feed(link, request())
        assert link.deadline == 30

    def test_a_close_frame_stops_the_pings(self, role):
        link = pinging(role)
        feed(link, frame(CLOSE, masked=role.masked), now=1)
        assert link.deadline == inf


class TestAProbe:
    """`Probe` asks at once whether the peer is alive."""

    def pings(self, link, now):
        return [first for first, _ in read_frames(sent(feed(link, Probe(), now=now)))]

    def test_pings_and_drops_a_silent_peer(self, role):
        link = pinging(role, ping_interval=inf)
        assert self.pings(link, 20) == [0x80 | PING]
        assert link.deadline == 30
        assert an(TransportLost, tick(link, 30)[-1]).code == 1006

    def test_is_not_sent_to_a_peer_that_was_heard_within_a_second(self, role):
        link = pinging(role, ping_interval=inf)
        feed(link, frame(PONG, masked=role.masked), now=20)
        assert self.pings(link, 20.9) == []
        assert link.deadline == inf
        assert self.pings(link, 21) == [0x80 | PING]

    def test_leaves_an_unanswered_ping_its_time(self, role):
        link = pinging(role)
        due = ping_due(link)
        assert self.pings(link, due + 9) == []
        assert link.deadline == due + 10

    def test_has_a_limit_even_if_other_pings_have_none(self, role):
        link = pinging(role, ping_interval=inf, pong_timeout=inf)
        assert self.pings(link, 20) == [0x80 | PING]
        assert link.deadline == 55

    def test_sends_nothing_once_the_close_handshake_has_begun(self, role):
        link = pinging(role, ping_interval=inf)
        feed(link, CloseLink())
        assert self.pings(link, 3) == []
