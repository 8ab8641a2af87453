"""The memory of answers stays within its bounds and gives no CALL the answer to another one."""

from hypothesis import given
from hypothesis import strategies as st

from ocpp_core.actions import Dispatch
from ocpp_core.inbound.answers import AnswerMemory, Answers
from tests.kinds import an

IDENTITIES = st.integers(0, 5).map(str)
IDS = st.integers(0, 9).map(str)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["answer", "answer", "answer", "leave", "finish", "forget", "connect", "wait"]),
        IDENTITIES,
        IDS,
        st.sampled_from([0, 10, 1000, 3000, 9000]),
    ),
    max_size=80,
)


def books_balance(memory):
    shares = memory._shares
    assert memory.size == sum(share.reserved for share in shares.values()) <= memory._max_size
    for identity, share in shares.items():
        assert share.identity == identity
        assert share.reserved <= memory._max_each
        assert 0 <= share.room == share.reserved - sum(kept[4] for kept in share.kept.values())


@given(STEPS, st.sampled_from([2048, 4096, 8192]))
def test_whatever_is_kept_and_forgotten(steps, max_each):
    memory = AnswerMemory(max_size=16384, max_each=max_each)
    connections: dict[str, Answers] = {}
    texts: dict[tuple[str, str], tuple[str, str]] = {}
    now = 0.0
    for number, (step, identity, message_id, size) in enumerate(steps):
        answers = connections.setdefault(identity, an(Answers, memory.of(identity)))
        text = f'[2,"{message_id}","X",{{"n":{number}}}]'
        request = Dispatch(number, "X", {"n": number}, message_id, text=text)
        if step == "answer":
            texts[identity, message_id] = text, f"{number}{'x' * size}"
            answers.keep(request, texts[identity, message_id][1], now, 60.0)
        elif step == "leave":
            texts.pop((identity, message_id), None)
            answers.keep(request, request, now, 60.0)
        elif step == "finish":
            answers.take_unfinished(number - 1)
        elif step == "forget":
            answers.forget()
        elif step == "connect":
            connections[identity] = an(Answers, memory.of(identity))
        else:
            now += size / 50
        books_balance(memory)
        assert answers.outcome_of(message_id, "another text", now) is None
        for (of, kept_id), (kept_text, answer) in texts.items():
            found = connections[of].outcome_of(kept_id, kept_text, now) if of in connections else None
            assert found in (None, answer)
