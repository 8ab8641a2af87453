"""HTTP Basic, from a station that writes it to a server that reads it (RFC 7617)."""

from base64 import b64encode

import pytest

from ocpp_core.admission.credentials import basic_user, decode_basic
from ocpp_core.handshake import encode_basic, password_bytes
from tests.kinds import mistyped
from tests.tables import each


class TestBasicCredentials:
    """RFC 7617; OCPP-J 1.6 §6.2.2; security whitepaper A00.FR.204."""

    IDENTITY = "AL1000"
    KEY = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"
    HEADER = "Basic QUwxMDAwOgABAgMEBQYH////////////////"

    def test_the_vector_of_ocpp_j_16(self):
        assert encode_basic(self.IDENTITY, bytes.fromhex(self.KEY)) == self.HEADER
        assert decode_basic(self.HEADER, self.IDENTITY) == bytes.fromhex(self.KEY)

    @each("password", [b"a:b::", b"\x00\xff:", b"", b"\xff" * 20, "pässword:".encode(), b"==="])
    def test_every_byte_of_a_password_survives(self, password):
        assert decode_basic(encode_basic("CP1", password), "CP1") == password

    def test_text_travels_as_utf8(self):
        assert encode_basic("CP1", "ü") == encode_basic("CP1", "ü".encode())

    @each(
        "value",
        [
            "Basic Q1AxOj8_Pw==",
            "Basic Q1AxOj8/Pw==",
            "basic Q1AxOj8/Pw==",
            "BASIC   Q1AxOj8/Pw==",
            "Basic Q1AxOj8/Pw",
            "Basic Q1AxOj8_Pw=",
            " Basic Q1AxOj8/Pw== ",
        ],
    )
    def test_both_alphabets_with_or_without_padding_in_any_case(self, value):
        assert decode_basic(value, "CP1") == b"???"

    @each(
        "value",
        [
            "",
            "Basic",
            "Basic ",
            "Basic Q",
            "Basic Q1A*",
            "Basic =Q1Ax",
            "Bearer Q1AxOj8/Pw==",
            "BasicQ1AxOj8/Pw==",
            "Basic ü",
        ],
    )
    def test_anything_else_is_no_credential(self, value):
        assert decode_basic(value, "CP1") is None

    @each("user", ["CP2", "CP", "cp1", "CP11", ""])
    def test_another_user_name_is_no_credential(self, user):
        assert decode_basic(encode_basic(user, "x") if user else "Basic Ong=", "CP1") is None

    @each(("user", "identity"), [("CP1", "cp1"), ("cp1", "CP1"), ("CPÜ", "cpü"), ("CP:a", "cp:A"), ("CP1", "CP1")])
    def test_the_user_name_may_differ_in_case_where_that_is_ignored(self, user, identity):
        header = "Basic " + b64encode(f"{user}:p:w".encode()).decode()
        assert decode_basic(header, identity, ignore_case=True) == b"p:w"
        assert decode_basic(header, identity + "2", ignore_case=True) is None
        assert decode_basic(header, identity) == (b"p:w" if user == identity else None)

    @each(
        ("pair", "user"),
        [(b"CP1:a:b", "CP1"), ("CPü:".encode(), "CPü"), (b":secret", ""), (b"CP1", None), (b"\xff:x", None)],
    )
    def test_the_user_name_ends_at_the_first_colon(self, pair, user):
        assert basic_user("Basic " + b64encode(pair).decode()) == user
        assert basic_user("Bearer " + b64encode(pair).decode()) is None

    def test_a_server_reads_an_identity_with_a_colon_that_a_station_must_not_use(self):
        assert decode_basic("Basic Q1A6MTp4Onk=", "CP:1") == b"x:y"
        with pytest.raises(ValueError, match="without ':'"):
            encode_basic("CP:1", "x:y")

    def test_a_password_is_text_or_bytes(self):
        with pytest.raises(TypeError, match="expected password as str or bytes, got int"):
            password_bytes(mistyped(12345678))
