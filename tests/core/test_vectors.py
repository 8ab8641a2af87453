"""What the engine does with each frame that the three versions read differently, or that is easily read wrongly.

One row a frame, one column a version. A cell says in words everything that comes out: requests to handlers, frames
to the peer, calls that end, reports. Strict mode runs on the schemas of the version. Where the documents leave a
choice, the row shows ours.
"""

import json

from ocpp_core.actions import Dispatch, Report, SendText, Settle
from ocpp_core.errors import RPCError
from ocpp_core.inputs import BinaryReceived, Fail, Reply, TextReceived
from ocpp_core.messages import Leniency
from ocpp_core.session import Open
from ocpp_core.validation import load_validator
from ocpp_core.versions import OCPP16, OCPP21, OCPP201, ErrorCode
from tests.core.player import a_session, call
from tests.tables import each

VERSIONS = (OCPP16, OCPP201, OCPP21)
VALIDATORS = {version.name: load_validator(version.name) for version in VERSIONS}
NAMES = {3: "CALLRESULT", 4: "CALLERROR", 5: "CALLRESULTERROR"}

LONG = "i" * 37
STREAM = '{"id":1,"pending":0,"basetime":"2025-01-01T00:00:00Z","data":[{"t":0.5,"v":"1"}]}'

# What came before the frame.
NOTHING: list[object] = []
PENDING = [call(1, message_id="a")]
IN_PROGRESS = [TextReceived('[2,"a","Heartbeat",{}]')]
ANSWERED = [*IN_PROGRESS, Reply(1, {"currentTime": "2025-01-01T00:00:00Z"})]

BAD = "bad message"
UNREADABLE = "CALLERROR -1 RpcFrameworkError, bad message"
UNKNOWN = "unknown message type"
REFUSED = "unknown message type, CALLERROR a MessageTypeNotSupported"
LOST = "unmatched answer"
SAME = "="
INVALID = "invalid CALLRESULT received, call ends with TypeConstraintViolation"

VECTORS = [
    # number, what came before, frame, and what happens on 1.6, on 2.0.1, on 2.1 (SAME: as in the column before)
    (1, NOTHING, '[2,"a","Heartbeat",{}]', "request Heartbeat", SAME, SAME),
    (
        2,
        NOTHING,
        '[2,"a","Heartbeat",null]',
        "CALLERROR a FormationViolation, bad message",
        "CALLERROR a FormatViolation, bad message",
        SAME,
    ),
    (3, NOTHING, '{"x":1}', BAD, UNREADABLE, SAME),
    (3, NOTHING, "[2,", BAD, UNREADABLE, SAME),
    (4, NOTHING, '[2,5,"Heartbeat",{}]', BAD, UNREADABLE, SAME),
    (5, NOTHING, '[2,"a","NoSuch",{}]', "request NoSuch, CALLERROR a NotImplemented", SAME, SAME),
    (6, NOTHING, '[9,"a"]', UNKNOWN, REFUSED, UNKNOWN),
    (7, NOTHING, f'[6,"a","NotifyPeriodicEventStream",{STREAM}]', UNKNOWN, REFUSED, "send NotifyPeriodicEventStream"),
    (8, NOTHING, '[6,"a","NotifyPeriodicEventStream",{}]', UNKNOWN, REFUSED, "invalid CALL received"),
    (9, NOTHING, '[6,"a","Heartbeat",{}]', UNKNOWN, REFUSED, BAD),
    (10, NOTHING, '[3,"zz",{}]', LOST, SAME, SAME),
    (
        11,
        PENDING,
        '[3,"a",{"currentTime":5}]',
        INVALID,
        SAME,
        f"{INVALID}, CALLRESULTERROR a TypeConstraintViolation",
    ),
    (12, PENDING, '[4,"a","Bogus","",{}]', "call ends with Bogus", SAME, SAME),
    (13, PENDING, '[4,"a","NotSupported",""]', "call ends with NotSupported", SAME, SAME),
    (13, PENDING, '[4,"a","NotSupported"]', "call ends with NotSupported", SAME, SAME),
    (14, ANSWERED, '[5,"a","FormatViolation","",{}]', UNKNOWN, REFUSED, "CALLRESULTERROR"),
    (15, IN_PROGRESS, '[2,"a","Heartbeat",{}]', "repeated CALL", SAME, SAME),
    (
        15,
        IN_PROGRESS,
        '[2,"a","Heartbeat",{"other":1}]',
        "duplicate message id, CALLERROR a GenericError",
        "duplicate message id, CALLERROR a RpcFrameworkError",
        SAME,
    ),
    (
        16,
        NOTHING,
        f'[2,"{LONG}","Heartbeat",{{}}]',
        f"CALLERROR {LONG} GenericError, bad message",
        f"CALLERROR {LONG} RpcFrameworkError, bad message",
        SAME,
    ),
    (17, NOTHING, "", "", SAME, SAME),
    (18, NOTHING, b'[2,"a","Heartbeat",{}]', BAD, SAME, SAME),
]

LENIENT = [
    # the row it softens, the tolerance, the frame, what happens then on every version
    (2, "null_payload", '[2,"a","Heartbeat",null]', "request Heartbeat"),
    (4, "numeric_ids", '[2,5,"Heartbeat",{}]', "request Heartbeat"),
    (16, "long_ids", f'[2,"{LONG}","Heartbeat",{{}}]', "request Heartbeat"),
    (18, "binary_messages", b'[2,"a","Heartbeat",{}]', "request Heartbeat"),
    (18, "binary_messages", b"", ""),
    (18, "binary_messages", b"\xff", BAD),
    (1, "trailing_elements", '[2,"a","Heartbeat",{},{}]', "request Heartbeat"),
]


CASES = [
    (number, version, before, frame, next(cell for cell in reversed(columns[: i + 1]) if cell != SAME))
    for number, before, frame, *columns in VECTORS
    for i, version in enumerate(VERSIONS)
]


def receive(session, frame):
    """Feed the frame to a host that handles Heartbeat and SENDs and knows no other action."""
    done = session.play(TextReceived(frame) if isinstance(frame, str) else BinaryReceived(frame))
    for request in [action for action in done if isinstance(action, Dispatch)]:
        if request.expects_reply and request.action != "Heartbeat":
            done += session.play(Fail(request.request, ErrorCode.NOT_IMPLEMENTED))
    return done


def said(action):
    if isinstance(action, Dispatch):
        return f"{'request' if action.expects_reply else 'send'} {action.action}"
    if isinstance(action, Report):
        return action.kind.value
    if isinstance(action, SendText):
        kind, message_id, code, *_ = json.loads(action.text)
        return f"{NAMES[kind]} {message_id} {code}"
    assert isinstance(action, Settle)
    assert isinstance(action.error, RPCError)
    return f"call ends with {action.error.code}"


@each(("number", "version", "before", "frame", "outcome"), CASES)
def test_frame(number, version, before, frame, outcome):
    session = a_session(version, validator=VALIDATORS[version.name])
    session.play(*before)
    assert ", ".join(map(said, receive(session, frame))) == outcome
    assert_lives(session)


@each(
    ("number", "version", "name", "frame", "outcome"),
    [(number, version, name, frame, outcome) for number, name, frame, outcome in LENIENT for version in VERSIONS],
)
def test_frame_under_a_named_tolerance(number, version, name, frame, outcome):
    session = a_session(version, validator=VALIDATORS[version.name], leniency=Leniency(**{name: True}))
    assert ", ".join(map(said, receive(session, frame))) == outcome
    assert_lives(session)


def test_a_tolerated_numeric_id_is_answered_as_text():
    session = a_session(leniency=Leniency(numeric_ids=True))
    receive(session, '[2,5,"Heartbeat",{}]')
    assert session.play(Reply(1, {})) == [SendText('[3,"5",{}]')]


def test_an_unusable_result_may_stay_unanswered_on_2_1():
    session = a_session(OCPP21, validator=VALIDATORS["ocpp2.1"], answer_bad_results=False)
    session.play(*PENDING)
    outcome = INVALID
    assert ", ".join(map(said, receive(session, '[3,"a",{"currentTime":5}]'))) == outcome


def assert_lives(session):
    """Nothing of this ends the connection: it still serves a CALL and sends one."""
    assert isinstance(session.engine.state, Open)
    assert said(session.hear('[2,"next","Heartbeat",{}]')[0]) == "request Heartbeat"
    assert session.play(call(9, message_id="last")) == [SendText('[2,"last","Heartbeat",{}]')]
