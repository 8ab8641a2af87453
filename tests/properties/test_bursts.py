"""What must hold however many requests arrive at once and however slowly they are answered."""

from itertools import count
from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ocpp_core.actions import Dispatch, Reading, ReportKind
from ocpp_core.config import SessionConfig
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import Close, Decline, Fail, Reply, TextReceived, TransportLost
from ocpp_core.session import Session
from ocpp_core.versions import OCPP21
from tests.core.player import Player, counting_ids, of, reports, sent

SEND = "NotifyPeriodicEventStream"
SENDS = st.integers(0, 200).map(lambda n: f'[6,"s","NotifyPeriodicEventStream",{{"n":{n}}}]')
CALLS = st.integers(0, 5).map(lambda n: f'[2,"{n}","Heartbeat",{{"n":{n}}}]')
STEPS = st.lists(SENDS | SENDS | CALLS | st.sampled_from(["reply", "fail", "decline", "decline"]), max_size=60)
BOUNDS = st.fixed_dictionaries(
    {
        "max_inbound": st.integers(1, 3),
        "max_held": st.integers(1, 5),
        "max_held_bytes": st.sampled_from([1, 120, 10000]),
        "max_declined": st.integers(0, 2),
    }
)


class Station:
    """A session, and the requests that its application has still to answer."""

    def __init__(self, bounds, answers=None):
        session = Session(SessionConfig(**bounds), OCPP21, ids=counting_ids(), numbers=count(1), answers=answers)
        self.lab = Player(session)
        self.bounds = bounds
        self.todo = []

    def step(self, step):
        if not step.startswith("["):
            if self.todo:
                request = self.todo.pop(0)
                self.play({"reply": Reply(request, {}), "fail": Fail(request, "X"), "decline": Decline(request)}[step])
        else:
            self.play(TextReceived(step))

    def play(self, event):
        self.todo += [request.request for request in of(Dispatch, self.lab.play(event))]
        requests = self.lab.engine.requests
        assert len(self.todo) <= self.bounds["max_inbound"]
        assert requests.held <= self.bounds["max_held"]
        assert requests.held == 0 or len(self.todo) == self.bounds["max_inbound"], "there is room, and it waits"
        switches = [action.on for action in of(Reading, self.lab.log)]
        assert switches == [False, True] * (len(switches) // 2) + [False] * (len(switches) % 2)
        assert requests.is_full is bool(len(switches) % 2)

    def dispatched(self, action):
        return [request.payload["n"] for request in of(Dispatch, self.lab.log) if request.action == action]


@given(STEPS, BOUNDS, st.booleans())
def test_every_send_is_dispatched_once_and_in_order_and_every_call_has_its_answer(steps, bounds, remembers):
    station = Station(bounds, AnswerMemory().of("CP1") if remembers else None)
    for step in steps:
        station.step(step)
    while station.todo:
        station.step("reply")
    sends = [text for text in steps if text.startswith("[6")]
    texts = [f'[6,"s","{SEND}",{{"n":{n}}}]' for n in station.dispatched(SEND)]
    assert texts == sends
    answered = {frame[1] for frame in sent(station.lab.log)}
    declined = "decline" in steps
    assert declined or answered == {text.split('"')[1] for text in steps if text.startswith("[2")}
    assert (station.lab.engine.requests.held, station.lab.engine.requests.is_full) == (0, False)


@given(STEPS, BOUNDS, st.sampled_from([TransportLost(), Close(drain=False), Close(force=True)]))
def test_the_end_leaves_nothing_behind(steps, bounds, end):
    station = Station(bounds)
    for step in steps:
        station.step(step)
    station.lab.play(end)
    requests = station.lab.engine.requests
    assert (len(requests), requests.held, requests.is_full) == (0, 0, False)
    assert station.lab.hear('[2,"later","Heartbeat",{}]') == []


@given(
    st.lists(SENDS | CALLS | CALLS | st.sampled_from(["reply", "reply", "wait", "wait"]), max_size=60),
    BOUNDS,
    st.integers(1, 4),
    st.booleans(),
)
def test_a_rate_loses_no_request_without_a_word(steps, bounds, burst, remembers):
    limits = {"inbound_rate": 1, "inbound_burst": burst, "max_delayed": 3, **bounds}
    answers = AnswerMemory().of("CP1") if remembers else None
    lab = Player(Session(SessionConfig(**limits), OCPP21, ids=counting_ids(), numbers=count(1), answers=answers))
    session = lab.engine
    todo: list[Any] = []
    for step in [*steps, *["wait", "reply"] * 70]:
        done = []
        if step == "wait":
            done = lab.wait(1)
        elif step != "reply":
            done = lab.hear(step)
        elif todo:
            done = lab.play(Reply(todo.pop(0), {}))
        todo += [request.request for request in of(Dispatch, done)]
        assert not session.requests.is_full or len(todo) == bounds["max_inbound"], "there is room, and nothing is read"
    sends = [
        f'[6,"s","{SEND}",{{"n":{action.payload["n"]}}}]'
        for action in of(Dispatch, lab.log)
        if not action.expects_reply
    ]
    refused = [frame for frame in sent(lab.log) if frame[0] == 4]
    dropped = reports(lab.log).count(ReportKind.RATE_EXCEEDED) - len(refused)
    assert len(sends) + dropped == len([text for text in steps if text.startswith("[6")])
    assert {frame[1] for frame in sent(lab.log)} == {text.split('"')[1] for text in steps if text.startswith("[2")}
    assert (todo, session.requests.held, session.requests.is_full, session.deadline) == ([], 0, False, inf)
