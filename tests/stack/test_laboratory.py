"""Scenarios of a station and a central system, bytes and all, in virtual time."""

import pytest

from ocpp_core.actions import Abandon, Report, ReportKind, StateChanged
from ocpp_core.client_states import ClientClosing, Connecting, Idle, Online, Stopped, Waiting
from ocpp_core.config import ClientConfig, LinkConfig, SessionConfig
from ocpp_core.errors import (
    ClosedError,
    ConnectionFailedError,
    ConnectionLostError,
    RPCInternalError,
    RPCNotImplementedError,
    TimeoutError,
    UnexpectedHttpResponse,
    WebsocketUpgradeError,
)
from ocpp_core.inputs import Accept, Reject, Reply
from ocpp_core.states import Closed
from ocpp_core.testing import Laboratory, LabStation
from tests.kinds import an

OCPP16 = ClientConfig(protocols=("ocpp1.6",))


def states(station: LabStation) -> list[type]:
    return [type(change.state) for change in station.seen(StateChanged)]


def boot(request):
    return {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300}


class TestConversation:
    def test_a_call_is_answered_by_the_handler_of_the_other_side(self):
        lab = Laboratory()
        lab.server.handlers["BootNotification"] = boot
        station = lab.connect()
        answer = station.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        lab.run_for(1)
        assert answer.unwrap()["status"] == "Accepted"

    def test_the_server_calls_the_station(self):
        lab = Laboratory()
        station = lab.connect()
        station.handlers["Reset"] = lambda request: {"status": "Accepted"}
        lab.run_for(1)
        answer = lab.server.connections[0].call("Reset", {"type": "Soft"})
        lab.run_for(1)
        assert answer.unwrap() == {"status": "Accepted"}

    def test_a_handler_may_call_back_before_it_answers(self):
        lab = Laboratory()
        station = lab.connect()
        station.handlers["GetConfiguration"] = lambda request: {"configurationKey": []}

        def heartbeat(request):
            lab.server.connections[0].call("GetConfiguration")
            return {"currentTime": "2026-01-01T00:00:00Z"}

        lab.server.handlers["Heartbeat"] = heartbeat
        answer = station.call("Heartbeat")
        lab.run_for(1)
        assert answer.unwrap()
        assert lab.server.connections[0].outcomes[1].unwrap() == {"configurationKey": []}

    def test_an_unknown_action_and_a_raised_error_are_callerrors(self):
        lab = Laboratory()

        def refuse(request):
            raise RPCInternalError("no disk", {"free": 0})

        lab.server.handlers["Heartbeat"] = refuse
        station = lab.connect()
        unknown, refused = station.call("NoSuch"), station.call("Heartbeat")
        lab.run_for(1)
        assert isinstance(unknown.error, RPCNotImplementedError)
        assert isinstance(refused.error, RPCInternalError)
        assert (refused.error.description, refused.error.details, refused.error.remote) == (
            "no disk",
            {"free": 0},
            True,
        )

    def test_a_declined_request_is_answered_once_later(self):
        lab = Laboratory()
        lab.server.handlers["Authorize"] = lambda request: None
        station = lab.connect()
        answer = station.call("Authorize", {"idTag": "A"})
        lab.run_for(5)
        assert answer.settled == 0
        connection = lab.server.connections[0]
        for status in ("Accepted", "Blocked"):
            connection.feed(Reply(1, {"idTagInfo": {"status": status}}))
        lab.run_for(1)
        assert answer.settled == 1
        assert answer.unwrap() == {"idTagInfo": {"status": "Accepted"}}

    @pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
    def test_every_version_is_negotiated(self, protocol):
        lab = Laboratory(ClientConfig(protocols=(protocol,)))
        station = lab.connect()
        assert isinstance(station.engine.engine.state, Online)
        assert station.engine.engine.state.subprotocol == protocol

    def test_two_thousand_calls_in_one_chunk_give_two_thousand_results_in_order(self):
        lab = Laboratory(session=SessionConfig(max_inbound=1))
        lab.server.handlers["Heartbeat"] = lambda request: {"currentTime": request.message_id}
        config = ClientConfig(protocols=("ocpp1.6",), session=SessionConfig(call_concurrency=2000, max_queued=2000))
        station = lab.connect(config)
        chunks: list[bytes] = []

        def keep(data, random):
            chunks.append(data)
            return ()

        station.wire.fault = keep
        calls = [station.call("Heartbeat", message_id=str(number)) for number in range(2000)]
        station.wire.fault = None
        lab.server.connections[0].receive(b"".join(chunks))
        lab.run_for(1)
        assert [call.unwrap()["currentTime"] for call in calls] == [str(number) for number in range(2000)]


class TestLoss:
    def test_a_cut_settles_sent_calls_as_unknown_and_queued_ones_as_not_sent(self):
        lab = Laboratory()
        lab.server.handlers["Heartbeat"] = lambda request: None
        station = lab.connect()
        sent, queued = station.call("Heartbeat"), station.call("Heartbeat")
        lab.run_for(0.5)
        station.cut()
        assert isinstance(sent.error, ConnectionLostError)
        assert isinstance(queued.error, ConnectionLostError)
        assert (sent.error.sent, queued.error.sent) == (True, False)

    def test_a_cut_abandons_running_handlers_and_their_late_replies_go_nowhere(self):
        lab = Laboratory()
        lab.server.handlers["Heartbeat"] = lambda request: None
        station = lab.connect()
        station.call("Heartbeat")
        lab.run_for(0.5)
        old = lab.server.connections[0]
        station.cut()
        assert len(old.seen(Abandon)) == 1
        lab.run_for(5)
        again = station.call("Heartbeat")
        lab.run_for(0.5)
        old.feed(Reply(1, {"currentTime": "stale"}))
        lab.server.connections[0].feed(Reply(1, {"currentTime": "stale"}))
        lab.run_for(0.5)
        assert not again.settled

    def test_a_station_comes_back_after_a_cut(self):
        lab = Laboratory()
        lab.server.handlers["Heartbeat"] = lambda request: {"currentTime": "now"}
        station = lab.connect()
        lab.run_for(20)
        station.cut()
        lab.run_for(5)
        assert states(station) == [Connecting, Online, Waiting, Connecting, Online]
        answer = station.call("Heartbeat")
        lab.run_for(1)
        assert answer.unwrap() == {"currentTime": "now"}

    def test_what_waited_for_the_window_is_sent_after_the_reconnect_with_an_offline_queue(self):
        lab = Laboratory(ClientConfig(protocols=("ocpp1.6",), offline_queue=True))
        seen = []

        def accept(request):
            seen.append(request.payload["data"])
            return {"status": "Accepted"}

        lab.server.handlers["DataTransfer"] = lambda request: seen.append(request.payload["data"])
        station = lab.connect()
        calls = [station.call("DataTransfer", {"vendorId": "V", "data": str(number)}) for number in range(3)]
        lab.run_for(0.5)
        station.cut()
        lab.server.handlers["DataTransfer"] = accept
        late = station.call("DataTransfer", {"vendorId": "V", "data": "late"})
        lab.run_for(10)
        assert isinstance(calls[0].error, ConnectionLostError)
        assert [call.unwrap()["status"] for call in (*calls[1:], late)] == ["Accepted"] * 3
        assert seen == ["0", "1", "2", "late"]

    def test_a_call_that_timed_out_is_never_sent_later(self):
        lab = Laboratory(ClientConfig(protocols=("ocpp1.6",), offline_queue=True))
        seen: list[object] = []
        lab.server.handlers["RemoteStop"] = seen.append
        station = lab.station()
        call = station.call("RemoteStop", ttl=5)
        lab.run_for(6)
        assert isinstance(call.error, TimeoutError)
        assert call.error.sent is False
        station.connect()
        lab.run_for(5)
        assert seen == []

    def test_a_silent_peer_is_found_dead_after_the_pong_timeout(self):
        lab = Laboratory(link=LinkConfig(ping_interval=10, pong_timeout=5))
        station = lab.connect()
        half_open = lab.server.connections[0]
        station.wire.silent = True
        lab.run_for(20)
        assert ReportKind.PONG_TIMEOUT in [report.kind for report in station.seen(Report)]
        assert Waiting in states(station)
        assert half_open not in lab.server.connections


class TestConnecting:
    def test_an_http_refusal_fails_connect_and_leaves_the_client_idle(self):
        lab = Laboratory()
        lab.server.admit = lambda request: Reject(401)
        station = lab.station()
        outcome = station.connect()
        lab.run_for(1)
        assert isinstance(outcome.error, UnexpectedHttpResponse)
        assert outcome.error.status == 401
        assert states(station) == [Connecting, Idle]
        assert lab.server.connections == []

    def test_a_refusal_after_an_outage_keeps_retrying(self):
        lab = Laboratory()
        station = lab.connect()
        lab.server.admit = lambda request: Reject(503, (("Retry-After", "60"),))
        station.cut()
        lab.run_for(30)
        assert states(station).count(Connecting) == 2
        waiting = station.engine.engine.state
        assert isinstance(waiting, Waiting)
        assert waiting.delay >= 60

    def test_a_server_that_chooses_no_subprotocol_is_left_for_good(self):
        lab = Laboratory(ClientConfig(protocols=("ocpp1.6",), retry_initial_connect=True))
        lab.server.admit = lambda request: Accept(None)
        station = lab.station()
        outcome = station.connect()
        lab.run_for(60)
        assert isinstance(outcome.error, WebsocketUpgradeError)
        assert isinstance(station.engine.engine.state, Stopped)
        assert lab.server.connections == []

    def test_an_unreachable_server_fails_the_first_connect(self):
        lab = Laboratory()
        station = lab.station()
        station.wire.reachable = False
        outcome = station.connect()
        lab.run_for(1)
        assert isinstance(outcome.error, ConnectionFailedError)

    def test_a_server_that_says_nothing_is_given_up_after_the_connect_timeout(self):
        lab = Laboratory(ClientConfig(protocols=("ocpp1.6",), connect_timeout=7))
        station = lab.station()
        station.wire.silent = True
        outcome = station.connect()
        lab.run_until(6.9)
        assert not outcome.settled
        lab.run_until(7.1)
        assert isinstance(outcome.error, ConnectionFailedError)

    def test_closing_while_connecting_cancels_the_dial(self):
        lab = Laboratory()
        station = lab.station()
        outcome = station.connect()
        station.close()
        lab.run_for(60)
        assert isinstance(outcome.error, ClosedError)
        assert states(station) == [Connecting, Stopped]
        assert lab.server.connections == []


class TestClosing:
    def test_close_waits_for_the_answers_in_flight(self):
        lab = Laboratory()
        lab.server.handlers["Heartbeat"] = lambda request: None
        station = lab.connect()
        call = station.call("Heartbeat")
        lab.run_for(0.5)
        station.close(reason="done")
        lab.run_for(1)
        assert states(station)[-1] is ClientClosing
        lab.server.connections[0].feed(Reply(1, {"currentTime": "now"}))
        lab.run_for(1)
        assert call.unwrap() == {"currentTime": "now"}
        assert station.engine.engine.state == Stopped(1000, "done")
        assert lab.server.connections == []

    def test_a_drain_ends_even_if_the_call_never_times_out(self):
        lab = Laboratory()
        lab.server.handlers["Heartbeat"] = lambda request: None
        station = lab.connect()
        call = station.call("Heartbeat", timeout=float("inf"))
        lab.run_for(0.5)
        station.close()
        lab.run_for(40)
        assert isinstance(call.error, ClosedError)
        assert call.error.sent
        assert isinstance(station.engine.engine.state, Stopped)

    def test_force_drops_the_stream_and_the_peer_sees_1006(self):
        lab = Laboratory()
        station = lab.connect()
        server = lab.server.connections[0]
        station.close(4000, "evicted", force=True)
        lab.run_for(1)
        assert an(Closed, server.seen(StateChanged)[-1].state).code == 1006

    def test_the_server_closes_and_the_station_comes_back(self):
        lab = Laboratory()
        station = lab.connect()
        lab.run_for(20)
        lab.server.connections[0].close(1001, "restart")
        lab.run_for(5)
        assert states(station) == [Connecting, Online, Waiting, Connecting, Online]
        lost = next(change.state.lost for change in station.seen(StateChanged) if isinstance(change.state, Waiting))
        assert lost == (1001, "restart")

    def test_a_peer_that_never_answers_the_close_is_dropped(self):
        lab = Laboratory()
        station = lab.connect()
        station.wire.silent = True
        station.close()
        lab.run_for(6)
        assert isinstance(station.engine.engine.state, Stopped)
        assert station.engine.deadline == float("inf")


class TestTime:
    def test_thirty_days_of_charging_play_in_a_moment(self):
        lab = Laboratory(link=LinkConfig(ping_interval=float("inf")), record=False)
        lab.server.handlers["Heartbeat"] = lambda request: {"currentTime": "now"}
        station = lab.connect()
        answers = []
        lab.every(300, lambda: answers.append(station.call("Heartbeat")))
        lab.every(86_400 / 4, station.cut)
        lab.run_until(30 * 86_400)
        assert len(answers) >= 8_639
        assert all(answer.settled == 1 for answer in answers[:-1])

    def test_a_storm_of_a_hundred_stations_does_not_come_back_in_step(self):
        lab = Laboratory(record=True)
        stations = [lab.connect(identity=f"CP{number}") for number in range(100)]
        lab.run_for(20)
        for station in stations:
            station.cut()
        lab.run_for(60)
        assert len(lab.server.connections) == 100
        came_back = [
            round(at, 3)
            for station in stations
            for at, action in station.actions
            if isinstance(action, StateChanged) and isinstance(action.state, Online)
        ]
        assert len(set(came_back)) > 50
