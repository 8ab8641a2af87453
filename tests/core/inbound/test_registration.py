"""A session whose station must register: which messages pass before its BootNotification is accepted."""

from itertools import count
from math import inf
from typing import Any

import pytest

from ocpp_core.actions import RegistrationChanged, ReportKind, Trace
from ocpp_core.config import ClientConfig, SessionConfig
from ocpp_core.errors import CallDroppedError, RegistrationRequiredError, TimeoutError
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inbound.registration import RegistrationGate
from ocpp_core.inputs import CancelCall, Close, Fail, Register, Reply, StartCall, TransportLost
from ocpp_core.session import Session
from ocpp_core.versions import OCPP16, OCPP21, OCPP201, Version
from tests.core.player import Player, Strict, a_session, counting_ids, dispatched, of, reports, sent, settled
from tests.tables import each

HEARTBEAT = '[2,"h","Heartbeat",{}]'


def a_gated_session(version: Version = OCPP16, **settings: Any) -> Player:
    return a_session(version, **{"require_registration": True, "call_concurrency": 9, **settings})


def boots(session: Player, status: object = "Accepted", interval: object = 300, message_id: str = "b") -> list[Any]:
    """The station boots, and the handler answers."""
    [request] = dispatched(session.hear(f'[2,"{message_id}","BootNotification",{{}}]'))
    return session.play(Reply(request, {"status": status, "interval": interval}))


def calls(session: Player, action: str = "Reset", **options: Any) -> list[Any]:
    return session.play(StartCall(7, action, options.pop("payload", {}), **options))


def triggers(session: Player, message: str, action: str = "TriggerMessage") -> list[Any]:
    return calls(session, action, payload={"requestedMessage": message})


def is_served(session: Player, action: str) -> bool:
    done = session.hear(f'[2,"{action[:30]}","{action}",{{}}]')
    assert dispatched(done) or [frame[2] for frame in sent(done)] == ["SecurityError"]
    return bool(dispatched(done))


class TestBeforeTheBootNotification:
    @each("version", [OCPP16, OCPP201, OCPP21])
    def test_other_calls_are_refused_with_security_error(self, version: Version) -> None:
        session = a_gated_session(version)
        done = session.hear(HEARTBEAT)
        assert sent(done) == [[4, "h", "SecurityError", "the station is not registered", {}]]
        assert reports(done) == [ReportKind.NOT_REGISTERED]
        assert dispatched(done) == []

    def test_a_send_is_dropped_and_never_answered(self) -> None:
        done = a_gated_session(OCPP21).hear('[6,"s","NotifyPeriodicEventStream",{}]')
        assert (sent(done), dispatched(done), reports(done)) == ([], [], [ReportKind.NOT_REGISTERED])

    def test_the_host_learns_once_that_the_station_did_not_boot(self) -> None:
        session = a_gated_session()
        session.hear(HEARTBEAT, HEARTBEAT)
        assert of(RegistrationChanged, session.log) == [RegistrationChanged(None)]

    def test_a_station_that_waits_for_the_answer_to_its_boot_has_booted(self) -> None:
        session = a_gated_session()
        done = session.hear('[2,"b","BootNotification",{}]', HEARTBEAT)
        assert [frame[2] for frame in sent(done)] == ["SecurityError"]
        assert of(RegistrationChanged, done) == []

    def test_refused_calls_are_no_bad_messages(self) -> None:
        session = a_gated_session(max_bad_messages=2)
        session.hear(*[HEARTBEAT] * 5)
        assert len(sent(session.log)) == 5

    def test_refused_calls_are_traced(self) -> None:
        assert len(of(Trace, a_gated_session(trace=True).hear(HEARTBEAT))) == 2

    def test_nothing_is_refused_unless_registration_is_required(self) -> None:
        session = a_session(OCPP16)
        assert is_served(session, "Heartbeat")
        assert sent(calls(session)) != []
        assert of(RegistrationChanged, boots(session)) == []
        assert session.play(Register()) == []

    def test_a_client_cannot_require_it(self) -> None:
        with pytest.raises(ValueError, match="only in the config of a server's sessions"):
            ClientConfig(protocols=("ocpp1.6",), session=SessionConfig(require_registration=True))


class TestTheAnswerToABootNotification:
    def test_that_accepts_opens_both_directions_after_it_is_sent(self) -> None:
        session = a_gated_session()
        calls(session)
        done = boots(session)
        assert [frame[0] for frame in sent(done)] == [3, 2]
        assert of(RegistrationChanged, done) == [RegistrationChanged("Accepted", 300.0)]
        assert is_served(session, "StatusNotification")

    @each("answer", [{}, {"status": "accepted"}, {"status": ["Accepted"]}, {"status": None}])
    def test_without_a_known_status_changes_nothing(self, answer: dict[str, Any]) -> None:
        session = a_gated_session()
        [request] = dispatched(session.hear('[2,"b","BootNotification",{}]'))
        assert of(RegistrationChanged, session.play(Reply(request, answer))) == []
        assert not is_served(session, "Heartbeat")

    @each(
        "interval, known",
        [(0, 0.0), (60.5, 60.5), (-1, None), (True, None), ("60", None), (None, None), (10**400, None)],
    )
    def test_has_an_interval_that_is_a_number_of_seconds(self, interval: object, known: float | None) -> None:
        done = boots(a_gated_session(), interval=interval)
        assert [change.interval for change in of(RegistrationChanged, done)] == [known]

    @each("copy_comes_first", [True, False])
    def test_that_was_made_for_an_earlier_connection_counts_on_this_one(self, copy_comes_first: bool) -> None:
        boot, memory = '[2,"b","BootNotification",{}]', AnswerMemory()
        config = SessionConfig(require_registration=True, late_answers=True)
        earlier, session = (
            Player(Session(config, OCPP16, ids=counting_ids(), numbers=count(1), answers=memory.of("CP1")))
            for _ in range(2)
        )
        earlier.hear(boot)
        earlier.play(TransportLost())
        if copy_comes_first:
            session.hear(boot)
            assert of(RegistrationChanged, session.play(Register())) == [], "the response will decide"
        earlier.play(Reply(1, {"status": "Accepted", "interval": 300}))
        done = session.wait(0.25) if copy_comes_first else session.hear(boot)
        assert of(RegistrationChanged, done) == [RegistrationChanged("Accepted", 300.0)]
        assert is_served(session, "Heartbeat")

    def test_that_is_not_json_accepts_nobody(self) -> None:
        session = a_gated_session()
        [request] = dispatched(session.hear('[2,"b","BootNotification",{}]'))
        done = session.play(Reply(request, {"status": "Accepted", "currentTime": object()}))
        assert [frame[2] for frame in sent(done)] == ["InternalError"]
        assert of(RegistrationChanged, done) == []
        assert not is_served(session, "Heartbeat")

    def test_that_breaks_its_schema_accepts_nobody(self) -> None:
        session = a_gated_session(validator=Strict("BootNotification"))
        [request] = dispatched(session.hear('[2,"b","BootNotification",{}]'))
        session.play(Reply(request, {"status": "Accepted", "bad": 1}))
        assert not is_served(session, "Heartbeat")

    def test_that_is_an_error_changes_nothing(self) -> None:
        session = a_gated_session()
        [request] = dispatched(session.hear('[2,"b","BootNotification",{}]'))
        assert of(RegistrationChanged, session.play(Fail(request, "InternalError"))) == []
        assert not is_served(session, "Heartbeat")

    @each("status", ["Pending", "Rejected"])
    def test_may_close_the_gate_again(self, status: str) -> None:
        session = a_gated_session()
        boots(session)
        boots(session, status, message_id="c")
        assert not is_served(session, "Heartbeat")
        boots(session, message_id="d")
        assert is_served(session, "StatusNotification")

    def test_of_an_earlier_connection_can_be_made_known(self) -> None:
        session = a_gated_session()
        calls(session)
        done = session.play(Register())
        assert [frame[2] for frame in sent(done)] == ["Reset"]
        assert of(RegistrationChanged, done) == [RegistrationChanged("Accepted", is_assumed=True)]
        assert is_served(session, "Heartbeat")

    def test_that_is_still_to_be_decided_cannot_be_made_known(self) -> None:
        session = a_gated_session()
        [request] = dispatched(session.hear('[2,"b","BootNotification",{}]'))
        assert session.play(Register()) == []
        session.play(Reply(request, {"status": "Rejected"}))
        assert not is_served(session, "Heartbeat")


class TestWhileItIsPending:
    @each(
        "action, message, answer",
        [
            ("TriggerMessage", "StatusNotification", "StatusNotification"),
            ("ExtendedTriggerMessage", "SignChargePointCertificate", "SignCertificate"),
            ("TriggerMessage", "SignV2G20Certificate", "SignCertificate"),
            ("TriggerMessage", "TransactionEvent", "TransactionEvent"),
            ("GetBaseReport", "", "NotifyReport"),
            ("GetReport", "", "NotifyReport"),
        ],
    )
    def test_the_station_may_send_what_it_was_asked_for(self, action: str, message: str, answer: str) -> None:
        session = a_gated_session()
        boots(session, "Pending")
        assert not is_served(session, answer)
        triggers(session, message, action)
        assert is_served(session, answer)
        assert not is_served(session, "Heartbeat")

    def test_a_trigger_that_was_not_sent_allows_nothing(self) -> None:
        session = a_gated_session(call_concurrency=1)
        boots(session, "Pending")
        calls(session, "GetVariables")
        triggers(session, "StatusNotification")
        assert not is_served(session, "StatusNotification")

    def test_another_answer_ends_what_was_asked_for(self) -> None:
        session = a_gated_session()
        boots(session, "Pending")
        triggers(session, "StatusNotification")
        boots(session, "Pending", message_id="c")
        assert not is_served(session, "StatusNotification")


class TestOurCalls:
    @each(
        "status, allowed, held",
        [
            (None, {"TriggerMessage", "ExtendedTriggerMessage"}, {"Reset", "GetVariables", "RemoteStartTransaction"}),
            ("Rejected", set(), {"TriggerMessage", "Reset", "GetVariables"}),
            (
                "Pending",
                {"TriggerMessage", "GetVariables", "ChangeConfiguration", "Reset"},
                {
                    "RemoteStartTransaction",
                    "RemoteStopTransaction",
                    "RequestStartTransaction",
                    "RequestStopTransaction",
                },
            ),
            ("Accepted", {"Reset", "RemoteStartTransaction"}, set()),
        ],
    )
    def test_are_allowed_by_the_status_of_the_station(self, status: Any, allowed: set[str], held: set[str]) -> None:
        gate = RegistrationGate()
        if status is not None:
            gate.answered(status)
        assert {action for action in allowed | held if gate.permits(action)} == allowed

    def test_wait_in_order_and_let_allowed_ones_pass(self) -> None:
        session = a_gated_session(call_concurrency=1)
        calls(session, "Reset")
        calls(session, "UnlockConnector")
        assert [frame[2] for frame in sent(triggers(session, "BootNotification"))] == ["TriggerMessage"]
        boots(session)
        session.hear('[3,"id-1",{}]', '[3,"id-2",{}]')
        assert [frame[2] for frame in sent(session.log) if frame[0] == 2] == [
            "TriggerMessage",
            "Reset",
            "UnlockConnector",
        ]

    def test_wait_no_longer_than_their_time_to_live(self) -> None:
        session = a_gated_session()
        calls(session, ttl=5)
        [error] = settled(session.wait(5)).values()
        assert isinstance(error, TimeoutError)
        assert not error.sent
        assert session.engine.deadline == inf

    def test_can_be_cancelled_while_they_wait(self) -> None:
        session = a_gated_session()
        calls(session)
        assert len(settled(session.play(CancelCall(7)))) == 1
        assert sent(boots(session))[1:] == []

    def test_beyond_the_queue_are_dropped(self) -> None:
        session = a_gated_session(max_queued=1)
        calls(session)
        [error] = settled(calls(session)).values()
        assert isinstance(error, CallDroppedError)

    def test_that_are_allowed_need_no_place_in_the_queue(self) -> None:
        session = a_gated_session(max_queued=1)
        calls(session)
        assert sent(triggers(session, "BootNotification")) != []

    def test_that_break_their_schema_are_not_sent(self) -> None:
        session = a_gated_session(validator=Strict("TriggerMessage"))
        done = calls(session, "TriggerMessage", payload={"bad": 1})
        assert (sent(done), len(settled(done))) == ([], 1)

    @each("end", [Close(), Close(drain=False), TransportLost()])
    def test_settle_with_the_end_of_the_connection(self, end: Any) -> None:
        session = a_gated_session()
        calls(session)
        assert len(settled(session.play(end))) == 1

    def test_are_refused_at_once_if_the_host_says_so(self) -> None:
        session = a_gated_session(refuse_before_registration=True)
        [error] = settled(calls(session)).values()
        assert isinstance(error, RegistrationRequiredError)
        assert (
            str(error) == "cannot call Reset: the station has not sent a BootNotification; wait until it is registered"
        )
        assert sent(triggers(session, "BootNotification")) != []
        boots(session, "Rejected")
        [error] = settled(calls(session)).values()
        assert "the station was answered Rejected" in str(error)
        boots(session, message_id="c")
        assert sent(calls(session)) != []

    def test_of_the_wrong_version_raise_at_once(self) -> None:
        session = a_gated_session()
        with pytest.raises(ValueError, match=r"ocpp1\.6"):
            calls(session, protocol="ocpp2.1")
