"""What must hold for a station and a server over any network, in virtual time."""

from math import inf
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ocpp_core.backoff import ExponentialBackoff
from ocpp_core.client_states import Online, Stopped
from ocpp_core.config import ClientConfig, LinkConfig, SessionConfig
from ocpp_core.inputs import SendRaw
from ocpp_core.testing import Laboratory, LabStation, ServerConnection

PROTOCOLS = st.sampled_from(["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
RAW = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            '[2,"id-1","Heartbeat",{}]',
            '[3,"id-1",{}]',
            '[3,"id-2",null]',
            '[4,"id-1","X"]',
            '[5,"id-1","X","",{}]',
            "[9]",
        ]
    ),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("call"),
            st.sampled_from(["station", "server"]),
            st.sampled_from(["Heartbeat", "Slow", "Fails", "NoSuch"]),
        ),
        st.tuples(st.just("wait"), st.floats(0, 40), st.none()),
        st.tuples(st.just("cut"), st.none(), st.none()),
        st.tuples(st.just("cancel"), st.sampled_from(["station", "server"]), st.integers(0, 30)),
        st.tuples(st.just("raw"), st.sampled_from(["station", "server"]), RAW),
        st.tuples(
            st.just("network"),
            st.sampled_from(["fine", "silent", "delay", "drop", "duplicate", "corrupt", "split"]),
            st.none(),
        ),
        st.tuples(st.just("close"), st.sampled_from(["station", "server"]), st.booleans()),
    ),
    max_size=25,
)


def delay(data, random):
    return [(random.uniform(0, 3), data)]


def drop(data, random):
    return [(0.0, data)] if random.random() < 0.7 else []


def duplicate(data, random):
    return [(0.0, data)] * random.choice([1, 1, 2])


def corrupt(data, random):
    if not data or random.random() < 0.7:
        return [(0.0, data)]
    at = random.randrange(len(data))
    return [(0.0, data[:at] + random.randbytes(1) + data[at + 1 :])]


def split(data, random):
    cut = random.randint(0, len(data))
    return [(0.0, data[:cut]), (0.0, data[cut:])] if 0 < cut < len(data) else [(0.0, data)]


FAULTS = {"delay": delay, "drop": drop, "duplicate": duplicate, "corrupt": corrupt, "split": split}

# a corrupted handshake may say what no retry heals: a subprotocol that was not offered
HEALABLE = ["delay", "drop", "duplicate", "split", "silent"]


class Story:
    """Plays steps on a laboratory and watches what must never happen."""

    def __init__(self, protocol, seed, *, window=1, offline_queue=False):
        session = SessionConfig(call_timeout=10, call_concurrency=window, drain_timeout=20)
        config = ClientConfig(
            protocols=(protocol,),
            session=session,
            offline_queue=offline_queue,
            retry_initial_connect=True,
            backoff=ExponentialBackoff(minimum=1, maximum=4),
        )
        self.window = window
        self.lab = Laboratory(config, session=session, link=LinkConfig(ping_interval=15, pong_timeout=10), seed=seed)
        self.endpoints: list[LabStation | ServerConnection] = []
        self.outcomes = []
        self.station = self.lab.station()
        for handlers in (self.lab.server.handlers, self.station.handlers):
            handlers["Heartbeat"] = lambda request: {"currentTime": "now"}
            handlers["Slow"] = lambda request: None
        central: Any = self.lab.server
        accept = central.accept_stream
        central.accept_stream = lambda station: self.endpoints.append(accept(station)) or self.endpoints[-1]
        self.endpoints.append(self.station)
        self.outcomes.append(self.station.connect())

    def end(self, name):
        if name == "station":
            return self.station
        connections = self.lab.server.connections
        return connections[-1] if connections else None

    def play(self, steps):
        for kind, first, second in steps:
            getattr(self, kind)(first, second)
            for endpoint in self.endpoints:
                session = endpoint.engine.session
                assert session is None or session.calls.pending <= self.window

    def call(self, name, action):
        if (end := self.end(name)) is not None:
            self.outcomes.append(end.call(action))

    def wait(self, seconds, _):
        self.lab.run_for(seconds)

    def cut(self, *_):
        self.station.cut()

    def cancel(self, name, number):
        end = self.end(name)
        if end is not None and (outcome := end.outcomes.get(number)) is not None:
            end.cancel(outcome)

    def raw(self, name, text):
        if (end := self.end(name)) is not None and end.engine.session is not None:
            end.feed(SendRaw(text))

    def network(self, kind, _):
        self.station.wire.silent = kind == "silent"
        self.station.wire.fault = FAULTS.get(kind)

    def close(self, name, force):
        if (end := self.end(name)) is not None:
            end.close(force=force)

    def finish(self):
        self.network("fine", None)
        self.station.close()
        for connection in list(self.lab.server.connections):
            connection.close()
        self.lab.run_for(200)


class TestTwoEngines:
    @given(steps=STEPS, protocol=PROTOCOLS, seed=st.integers(0, 2**32), window=st.integers(1, 3), offline=st.booleans())
    def test_every_call_settles_exactly_once_and_nothing_stays_armed_or_held(
        self, steps, protocol, seed, window, offline
    ):
        story = Story(protocol, seed, window=window, offline_queue=offline)
        story.play(steps)
        story.finish()
        assert [outcome.settled for outcome in story.outcomes] == [1] * len(story.outcomes)
        assert isinstance(story.station.engine.engine.state, Stopped)
        assert story.lab.server.connections == []
        for endpoint in story.endpoints:
            assert endpoint.engine.deadline == inf
            session = endpoint.engine.session
            if session is not None:
                assert (session.calls.pending, session.calls.waiting, len(session.requests)) == (0, 0, 0)
                assert len(session.calls.timers) == 0

    @given(seed=st.integers(0, 2**32), protocol=PROTOCOLS)
    def test_a_network_that_heals_lets_the_station_come_back_and_every_call_succeed(self, seed, protocol):
        story = Story(protocol, seed)
        random = Random(seed)
        story.play(
            [
                ("wait", 5, None),
                ("network", random.choice(HEALABLE), None),
                ("call", "station", "Heartbeat"),
                ("wait", 60, None),
            ]
        )
        story.network("fine", None)
        story.lab.run_for(120)
        assert isinstance(story.station.engine.engine.state, Online)
        answer = story.station.call("Heartbeat")
        story.lab.run_for(5)
        assert answer.unwrap() == {"currentTime": "now"}
