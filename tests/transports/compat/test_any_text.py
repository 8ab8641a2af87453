"""Whatever a peer sends: nothing raises, nothing stays behind, and every answer is JSON with the ID of its request."""

import asyncio
import json
import logging

from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_transports.compat import v201
from ocpp_transports.compat.routing import after, on
from tests.transports.compat.wire import Wire

NUMBERS = st.one_of(st.integers(), st.floats())
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5), st.sampled_from(["self", "vendorId"]))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
)
ACTIONS = st.sampled_from(["Heartbeat", "DataTransfer", "Reset", "Fly"])
FRAMES = st.one_of(
    st.tuples(st.just(2), st.one_of(st.just("id"), NUMBERS), ACTIONS, VALUES),
    st.lists(st.one_of(st.integers(0, 7), ACTIONS, VALUES), max_size=6),
    VALUES,
)
TEXTS = st.one_of(FRAMES.map(json.dumps), FRAMES.map(lambda frame: json.dumps(frame)[:-3]), st.text(), st.binary())


QUIET = logging.getLogger("ocpp.quiet")
QUIET.setLevel(logging.CRITICAL)


class Echo(v201.ChargePoint):
    """Returns what it gets, unchecked."""

    @on("DataTransfer", skip_schema_validation=True)
    async def on_data(self, **kwargs):
        return kwargs

    @after("DataTransfer")
    def after_data(self, vendor_id, **kwargs):
        raise ValueError(vendor_id)

    @on("Heartbeat")
    def on_heartbeat(self, call_unique_id):
        return v201.call_result.Heartbeat(current_time="2026-01-01T00:00:00Z")


@settings(max_examples=20, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_the_charge_point_lives(texts):
    cp = Echo("CP1", Wire(), logger=QUIET)

    async def feed():
        for text in texts:
            await cp.route_message(text)
        await cp.route_message('[2,"last","Heartbeat",{}]')

    asyncio.run(feed())
    assert cp._connection.sent.pop() == [3, "last", {"currentTime": "2026-01-01T00:00:00Z"}]
    assert len(cp._connection.sent) <= len(texts)
    assert all(answer[0] in {3, 4} for answer in cp._connection.sent)
    assert cp._compat_inbound.inbox.texts == {}
