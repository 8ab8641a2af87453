"""What goes by the direct calls of `ocpp_core._direct` has the same outcome as by `handle` and `poll`."""

from itertools import count

from hypothesis import example, given
from hypothesis import strategies as st

from ocpp_core._direct import Outlets
from ocpp_core.actions import Action, SendText, StateChanged
from ocpp_core.config import SessionConfig
from ocpp_core.inbound.answers import AnswerMemory
from ocpp_core.inputs import BinaryReceived, CancelCall, Close, Fail, Reply, StartCall, TextReceived, Tick
from ocpp_core.session import Open, Session
from ocpp_core.versions import OCPP21
from tests.core.player import counting_ids

NUMBERS = st.integers(1, 4)
STEPS = st.lists(
    st.one_of(
        NUMBERS.map(lambda n: TextReceived(f'[2,"{n}","Heartbeat",{{}}]')),
        NUMBERS.map(lambda n: TextReceived(f'[3,"id-{n}",{{}}]')),
        NUMBERS.map(lambda n: TextReceived(f'[4,"id-{n}","GenericError","",{{}}]')),
        st.sampled_from([TextReceived("{"), TextReceived("[2]"), BinaryReceived(b"x"), Tick(), Close()]),
        NUMBERS.map(lambda n: StartCall(n, "Heartbeat", {})),
        NUMBERS.map(CancelCall),
        NUMBERS.map(lambda n: Reply(n, {})),
        NUMBERS.map(lambda n: Fail(n, "GenericError")),
    ),
    max_size=40,
)
CONFIGS = st.fixed_dictionaries(
    {
        "max_bad_messages": st.sampled_from([2, 1000]),
        "max_queued": st.integers(0, 2),
        "trace": st.booleans(),
        "call_timeout": st.sampled_from([3.0, 30.0]),
    }
)


def a_session(settings, outlets=None):
    answers = AnswerMemory().of("CP1")
    config = SessionConfig(drain_timeout=5, close_timeout=5, **settings)
    return Session(config, OCPP21, ids=counting_ids(), numbers=count(1), answers=answers, outlets=outlets)


def by_the_contract(steps, settings):
    session = a_session(settings)
    actions: list[Action] = []
    for now, step in enumerate(steps):
        session.handle(step, float(now))
        actions += iter(session.poll, None)
    return actions, session


def directly(steps, settings):
    actions: list[Action] = []
    outlets = Outlets(
        lambda text: actions.append(SendText(text)),
        actions.append,
        lambda state: actions.append(StateChanged(state)),
    )
    session = a_session(settings, outlets)
    for now, step in enumerate(steps):
        if isinstance(step, TextReceived):
            session.receive(step.text, float(now))
        elif isinstance(step, Reply):
            session.requests.reply(step, float(now))
        elif isinstance(step, StartCall) and isinstance(session.state, Open):
            session.calls.start(step, float(now))
        else:
            session.handle(step, float(now))
            while session.decode_next():
                pass
    return actions, session


DRAIN = [StartCall(1, "Heartbeat", {}), Close(), TextReceived('[3,"id-1",{}]')]
FLOOD = [StartCall(1, "Heartbeat", {}), TextReceived("{"), TextReceived("{"), TextReceived('[2,"1","Heartbeat",{}]')]
USUAL = {"max_bad_messages": 2, "max_queued": 1, "trace": False, "call_timeout": 30.0}


@given(STEPS, CONFIGS)
@example(DRAIN, USUAL)
@example(FLOOD, USUAL)
def test_a_session_does_the_same(steps, settings):
    actions, session = by_the_contract(steps, settings)
    direct_actions, direct_session = directly(steps, settings)
    assert [repr(action) for action in direct_actions] == [repr(action) for action in actions]
    assert (direct_session.state, direct_session.deadline) == (session.state, session.deadline)
