"""Header fields: their grammar, the lists in them, and what those of an upgrade must say."""

from typing import Any

import pytest

from ocpp_core.config import ClientConfig
from ocpp_core.link._http import read_request
from ocpp_core.websocket.headers import (
    OWN_IN_REQUEST,
    elements,
    expect_header,
    expect_refusal_status,
    is_subprotocol_list,
    joined,
    tokens,
)
from tests.tables import each


class TestJoinedFields:
    """RFC 9110 §5.3."""

    def test_have_names_in_lower_case_and_the_values_of_repeated_ones_in_order(self) -> None:
        fields = joined([("Host", "x"), ("A", "1, 2"), ("a", "3")])
        assert fields == {"host": "x", "a": "1, 2, 3"}

    def test_a_repeated_field_that_may_be_sent_once_becomes_unreadable(self) -> None:
        assert joined([("Authorization", "Basic QQ=="), ("authorization", "Basic Qg==")])["authorization"] == (
            "Basic QQ==, Basic Qg=="
        )

    def test_share_the_text_of_a_name_in_lower_case(self) -> None:
        name = "".join(["user-", "agent"])
        assert next(iter(joined([(name, "x")]))) is name


class TestHeadsOfRequests:
    def test_share_the_texts_of_frequent_names_and_values(self) -> None:
        block = b"GET /CP1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: ocpp2.0.1\r\n\r\n"
        one, other = read_request(block), read_request(block)
        assert one is not None
        assert other is not None
        shared = [
            (name is also, value is same)
            for (name, value), (also, same) in zip(one.fields.items(), other.fields.items(), strict=True)
        ]
        assert shared[1:] == [(True, True), (True, True)]


class TestLists:
    """RFC 9110 §5.6.1."""

    @each(
        ("value", "read"),
        [("", []), ("a", ["a"]), (" a ,\tB,c ", ["a", "B", "c"]), (",a,, b,", ["a", "b"]), ("a\u00a0", ["a\u00a0"])],
    )
    def test_have_no_empty_elements(self, value: str, read: list[str]) -> None:
        assert elements(value) == read

    def test_of_tokens_are_in_lower_case(self) -> None:
        assert tokens("Keep-Alive, Upgrade,") == {"keep-alive", "upgrade"}


class TestHeadersOfTheCaller:
    @each(
        ("name", "text"),
        [("", "x"), ("a b", "x"), ("a:", "x"), ("\xe9", "x"), ("A", "a\r\nB: c"), ("A", "\x00"), ("A", "\u20ac")],
    )
    def test_that_would_break_the_head_are_refused(self, name: str, text: str) -> None:
        with pytest.raises(ValueError, match="a header name and a value"):
            expect_header(name, text, ())

    @each("name", ["Host", "connection", "Sec-WebSocket-Key", "sec-websocket-anything"])
    def test_that_the_handshake_writes_itself_are_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="the handshake writes it"):
            expect_header(name, "x", OWN_IN_REQUEST)

    def test_a_wrong_value_is_not_repeated_in_the_error(self) -> None:
        with pytest.raises(ValueError, match="Authorization") as caught:
            expect_header("Authorization", "secret\n", ())
        assert "secret" not in str(caught.value)


class TestSubprotocols:
    """RFC 6455 §4.1."""

    @each(
        ("offered", "is_right"),
        [
            (["ocpp1.6", "ocpp2.0.1"], True),
            ([], True),
            (["ocpp1.6", "ocpp1.6"], False),
            (["ocpp1.6", ""], False),
            (["ocpp 1.6"], False),
            (["ocpp/1.6"], False),
            (["\xf6cpp"], False),
        ],
    )
    def test_are_tokens_none_of_them_twice(self, offered: list[str], is_right: bool) -> None:
        assert is_subprotocol_list(offered) is is_right

    @each(
        ("protocols", "error"),
        [
            ((), ValueError),
            (("ocpp1.6", "ocpp1.6"), ValueError),
            (("ocpp 1.6",), ValueError),
            ((b"ocpp1.6",), ValueError),
            ("ocpp1.6", TypeError),
        ],
    )
    def test_of_a_client_are_checked_when_they_are_configured(self, protocols: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match="subprotocol names, got"):
            ClientConfig(protocols=protocols)


class TestTheStatusOfARefusal:
    @each("status", [200, 301, 399, 600, 4001, "401", True, None])
    def test_is_400_to_599(self, status: Any) -> None:
        with pytest.raises(ValueError, match="expected a status of 400 to 599, got"):
            expect_refusal_status(status)
