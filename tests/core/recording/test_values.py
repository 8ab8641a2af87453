"""Inputs and settings as a recording has them: every value comes back."""

import json
from enum import Enum
from math import inf
from types import MappingProxyType
from typing import Any, get_args

import pytest

from ocpp_core import inputs
from ocpp_core.backoff import OCPPBackoff
from ocpp_core.config import ClientConfig, Compression, LinkConfig, SessionConfig, UpgradeTarget, ValidationRule
from ocpp_core.inputs import (
    Accept,
    BinaryReceived,
    BytesReceived,
    CancelCall,
    Close,
    CloseLink,
    Congested,
    Connect,
    Decline,
    Fail,
    Notify,
    Probe,
    Reconfigure,
    RefuseResult,
    Register,
    Reject,
    Reply,
    Respond,
    SendMessage,
    SendRaw,
    StartCall,
    StreamFailed,
    StreamLost,
    StreamOpened,
    TextReceived,
    Tick,
    TransportFailed,
    TransportLost,
    TransportOpened,
    UpgradeReceived,
)
from ocpp_core.limits import TokenBucket
from ocpp_core.messages import Leniency
from ocpp_core.outbox.commands import (
    Acknowledge,
    CancelTicket,
    DiscardMessages,
    Enqueue,
    OutboxInput,
    ReconfigureOutbox,
    Restored,
    SetClock,
    SetGate,
    StoreBack,
    Stored,
    StoreDegraded,
    StoreFailed,
)
from ocpp_core.outbox.settings import OutboxConfig
from ocpp_core.outbox.stored.outcomes import (
    MessageAnswered,
    MessageNotSent,
    MessageUnknown,
    NotSentReason,
    UnknownReason,
)
from ocpp_core.outbox.stored.records import Binding, KeptOutcome, Lane, OutboxRecord
from ocpp_core.recording._recording import written
from ocpp_core.recording._values import RecordedSettings, ReplayedSettings, without_payloads
from ocpp_core.tolerance import QuirkBook, StationFacts, StationQuirks, load_quirks
from ocpp_core.versions import OCPP201, Version

MINE = Version(name="x", message_types=frozenset({2, 3}), send_actions=frozenset({"A"}), spelling={"a": "b"})
HEADERS = (("a", "b"), ("c", "d"))
SESSION = SessionConfig(
    call_ttl=inf,
    call_timeout=9.5,
    leniency=Leniency(null_payload=True),
    action_rates={"Heartbeat": (1.0, 2)},
    validation_rules=(ValidationRule("off", actions=["Reset"], direction="in"),),
)
RECORD = OutboxRecord(
    ticket=1,
    action="X",
    payload="{}",
    lane=Lane.TRANSACTION,
    accepted_at=5.0,
    failure=MessageUnknown(UnknownReason.LOST),
)
EVERY_INPUT = [
    Tick(),
    Congested(on=True),
    TextReceived("[]", 1),
    BinaryReceived(b"\xff", 2),
    TransportOpened("ocpp1.6", 3),
    TransportLost(1001, "away", 6),
    StartCall(7, "X", {"$bytes": "eA=="}, 1.0, 2.0, "id", validate=False, protocol="ocpp1.6", urgent=True),
    CancelCall(8),
    Notify(9, "X", {"a": [[1], {}]}, "id", validate=False),
    Reply(10, MappingProxyType({"$dict": {"$error": "x"}})),
    Fail(11, "GenericError", "why", {"a": None}),
    Decline(12),
    RefuseResult("id", "GenericError", "why", {"$version": {}}, "X"),
    Register(),
    Probe(),
    SendRaw("[]", 13, 1.0),
    Close(1001, "away", drain=False, force=True, besides=(1, 2)),
    Connect(14),
    StreamOpened(15),
    BytesReceived(b"\x00\xff", 17),
    StreamLost(18),
    UpgradeReceived(19, "/CP1", HEADERS, ("ocpp1.6", "x")),
    Accept("x", HEADERS, SESSION, version=MINE, identity="CP1"),
    Reject(401, HEADERS, "why"),
    Respond(200, HEADERS, b"\xff"),
    SendMessage(b"\xff"),
    SendMessage("text"),
    CloseLink(1001, "away", force=True),
    Reconfigure(SESSION),
    Reconfigure(LinkConfig(ping_interval=inf, compression=Compression(level=1))),
    Reconfigure(UpgradeTarget("host", "/CP1", HEADERS)),
    Reconfigure(ClientConfig(protocols=("x",), backoff=OCPPBackoff(), versions=(MINE, OCPP201))),
    Stored(20),
    StoreBack(),
    CancelTicket(21),
    Acknowledge(22),
    DiscardMessages(),
    SetGate(is_open=True),
    SetClock(23.0),
    Enqueue(action="X", payload={"a": 1}, lane=Lane.OTHER, key="k"),
    ReconfigureOutbox(OutboxConfig(ordered=frozenset({"A"}))),
    Restored(
        wall=24.0,
        records=(RECORD,),
        bindings=(Binding(1, 2),),
        outcomes=(
            KeptOutcome(3, None, MessageAnswered("{}")),
            KeptOutcome(4, "k", MessageNotSent(NotSentReason.EXPIRED)),
        ),
    ),
]
FAILURES: list[TransportFailed | StreamFailed | StoreFailed | StoreDegraded] = [
    TransportFailed(OSError("refused"), retry=False, attempt=4, retry_after=5.0),
    StreamFailed(OSError("refused"), 16),
    StoreFailed(1, OSError("full")),
    StoreDegraded(OSError("full")),
]


class Colour(Enum):
    RED = "red"


def written_value(settings, value):
    """Return a value as a line has it."""
    dumped = settings.dump(value)
    try:
        return written(dumped)
    except TypeError:
        return written(without_payloads(dumped))


def read_again(value, code=None):
    """Return a value as a replay has it, and what was written by name."""
    settings = RecordedSettings()
    line = written_value(settings, value)
    return ReplayedSettings(code or {}, TokenBucket(1, 1)).load(json.loads(line)), settings.code


class TestInputs:
    def test_every_input_with_every_field_comes_back(self):
        again = [read_again(event)[0] for event in EVERY_INPUT]
        assert again == EVERY_INPUT

    def test_an_error_comes_back_with_its_class_and_text(self):
        again = [read_again(event)[0] for event in FAILURES]
        assert [(type(event.error), str(event.error)) for event in again] == [
            (OSError, str(event.error)) for event in FAILURES
        ]

    def test_an_error_of_a_class_of_others_keeps_its_name(self):
        class OddError(Exception):
            pass

        again, _ = read_again(StreamFailed(OddError("odd"), 1))
        assert (type(again.error).__name__, str(again.error)) == ("OddError", "odd")

    def test_there_is_no_input_that_does_not_come_back(self):
        unions = (
            inputs.SessionInput,
            inputs.ClientInput,
            inputs.ServerInput,
            inputs.StackInput,
            inputs.LinkInput,
            OutboxInput,
        )
        every = {cls for union in unions for cls in get_args(union)}
        assert {type(event) for event in [*EVERY_INPUT, *FAILURES]} == every

    @pytest.mark.parametrize("payload", [{"v": Colour.RED}, {"v": (1, 2)}, {"v": MappingProxyType({"a": 1})}])
    def test_a_payload_comes_back_as_the_engine_writes_it(self, payload):
        again, _ = read_again(StartCall(1, "X", payload))
        assert json.dumps(again.payload) in ('{"v": "red"}', '{"v": [1, 2]}', '{"v": {"a": 1}}')

    def test_a_payload_that_is_no_json_is_one_that_is_refused_again(self):
        again, _ = read_again(StartCall(1, "X", {"v": object()}))
        with pytest.raises(TypeError):
            json.dumps(again.payload)

    def test_a_shared_bucket_is_that_of_the_replay(self):
        bucket = TokenBucket(1, 1)
        written = json.loads(written_value(RecordedSettings(), Accept("x", shared=TokenBucket(1, 1))))
        assert ReplayedSettings({}, bucket).load(written).shared is bucket


class TestCode:
    def test_a_function_is_written_by_its_name_and_must_be_passed(self):
        config = SessionConfig(mend_text=str.strip)
        again, code = read_again(config, {"builtins.str.strip": str.strip})
        assert again.mend_text is str.strip
        assert code == {"builtins.str.strip": str.strip}
        with pytest.raises(ValueError, match=r"expected the object 'builtins\.str\.strip'"):
            read_again(config)

    def test_counters_are_left_out(self):
        meter: Any = object()
        again, code = read_again(SessionConfig(meter=meter))
        assert (again.meter, code) == (None, {})

    def test_quirks_are_data_and_stay_the_same_object(self):
        quirks = StationQuirks(QuirkBook(load_quirks("known")), StationFacts(identity="CP1", path="/x/CP1"))
        settings, again = RecordedSettings(), ReplayedSettings({}, None)
        first = again.load(json.loads(written_value(settings, quirks)))
        quirks.learn({"chargePointVendor": "V", "chargePointModel": "M"})
        second = again.load(json.loads(written_value(settings, quirks)))
        assert second is first
        assert (first.facts.vendor, first.facts.identity) == ("V", "")

    @pytest.mark.parametrize("value", [{"$what": 1}, {"$is": "os.system"}, {"a": 1}])
    def test_an_unknown_value_raises(self, value):
        with pytest.raises(ValueError, match="expected"):
            ReplayedSettings({}, None).load(value)
