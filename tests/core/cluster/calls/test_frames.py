"""The frames between nodes, see docs/design/cluster-calls.md."""

import pytest

from ocpp_core.cluster.calls.frames import (
    AnswerFrame,
    AnswerKind,
    AskFrame,
    ByeFrame,
    CancelFrame,
    HelloFrame,
    NodeFrameError,
    OpenedFrame,
    ProbeFrame,
    ReplacedFrame,
    RequestFrame,
    read_frame,
    write_frame,
    write_request,
)
from ocpp_core.cluster.records import NodeId

A, B = NodeId("a.0"), NodeId("b.0")


def test_a_request_has_number_station_fence_owner_seconds_and_call():
    written = write_request(7, 'C"P', 42, B, 1.5, '["Reset",{}]')
    assert written == b'[1,"q",7,"C\\"P",42,"b.0",1.5,["Reset",{}]]'
    assert read_frame(written) == RequestFrame(7, 'C"P', 42, B, 1.5, ["Reset", {}])


@pytest.mark.parametrize(
    "frame",
    [
        AnswerFrame(A, 7, AnswerKind.OK, {"status": "Accepted"}),
        AnswerFrame(A, 7, AnswerKind.ERROR, ["TimeoutError", "late", True, None]),
        AnswerFrame(A, 7, AnswerKind.NOT_SENT, "moved"),
        AnswerFrame(A, 7, AnswerKind.UNKNOWN, "started again"),
        CancelFrame(7),
        ProbeFrame(B, (7, 8)),
        ReplacedFrame("CP1", 42),
        AskFrame("CP1"),
        OpenedFrame("CP1"),
        HelloFrame(A, (1, 2)),
        ByeFrame("version"),
    ],
)
def test_a_frame_is_read_as_it_was_written(frame):
    assert read_frame(write_frame(frame)) == frame


def test_the_greeting_of_another_version_is_read_so_that_it_can_be_refused_in_words():
    assert read_frame(b'[9,"hello","a.0",[9],"more"]') == HelloFrame(A, (9,))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"GET / HTTP/1.1",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'[2,"c",7]',
        b'[1,"c",-1]',
        b'[1,"c",true]',
        b'[1,"c",9007199254740992]',
        b'[1,"c","7"]',
        b'[1,"p","b.0",[7,"8"]]',
        b'[1,"p","b.0",[' + b"7," * 1000 + b"7]]",
        b'[1,"a","a.0",7,"ok",[]]',
        b'[1,"a","a.0",7,"done",{}]',
        b'[1,"q",7,"CP1",42,"b.0",NaN,[]]',
        b'[1,"q",7,"CP1",42,"b.0",1.5,{}]',
        b'[1,"hello","' + b"a" * 1025 + b'",[1]]',
    ],
    ids=lambda data: repr(data[:40]),
)
def test_anything_else_is_refused_without_a_copy_of_it(data):
    with pytest.raises(NodeFrameError) as caught:
        read_frame(data)
    assert len(str(caught.value)) < 60
