"""The pure rules of the handshake."""

from base64 import b64encode

import pytest

from ocpp_core.handshake import (
    RequestTarget,
    SecurityProfile,
    basic_user,
    check_client_profile,
    check_deciders,
    check_listener_profile,
    check_server_profile,
    choose_subprotocol,
    decode_basic,
    encode_basic,
    is_subprotocol_list,
    password_bytes,
    read_target,
    resolve_endpoint,
    same_password,
)
from ocpp_core.inputs import Reject
from tests.kinds import an, mistyped
from tests.tables import each


class TestConnectionUrl:
    """OCPP-J 1.6 §3.1.1 and 2.x Part 4 §3.1.1: endpoint, slash, percent-encoded identity."""

    @each(
        ("endpoint", "identity", "query", "url"),
        [
            ("ws://csms.example/ocpp", "CP1", None, "ws://csms.example/ocpp/CP1"),
            ("ws://csms.example/ocpp/", "CP1", None, "ws://csms.example/ocpp/CP1"),
            ("ws://csms.example", "CP1", None, "ws://csms.example/CP1"),
            ("WSS://CSMS.example:8443", "CP1", None, "wss://csms.example:8443/CP1"),
            ("ws://h/ocpp", "RDAM 123", None, "ws://h/ocpp/RDAM%20123"),
            ("ws://h/ocpp", "RDAM|123", None, "ws://h/ocpp/RDAM%7C123"),
            ("ws://h/ocpp", "CP/1 ü:x", None, "ws://h/ocpp/CP%2F1%20%C3%BC%3Ax"),
            ("ws://h/ocpp", "50%", None, "ws://h/ocpp/50%25"),
            ("ws://h/ocpp", "%41", None, "ws://h/ocpp/%2541"),
            ("ws://h/ocpp?t=1", "CP1", None, "ws://h/ocpp/CP1?t=1"),
            ("ws://h/ocpp?t=1", "CP1", {"a": "b c"}, "ws://h/ocpp/CP1?t=1&a=b+c"),
            ("ws://h/ocpp", "CP1", [("a", "1"), ("a", "&")], "ws://h/ocpp/CP1?a=1&a=%26"),
            ("ws://h/a%20b/ö", "CP1", None, "ws://h/a%20b/%C3%B6/CP1"),
            ("ws://h/ocpp", "CP1", {}, "ws://h/ocpp/CP1"),
        ],
    )
    def test_appends_the_identity_encoded_once(self, endpoint, identity, query, url):
        assert resolve_endpoint(endpoint, identity, query).url == url

    @each(
        ("endpoint", "host", "port", "authority", "secure"),
        [
            ("ws://h/x", "h", 80, "h", False),
            ("wss://h/x", "h", 443, "h", True),
            ("ws://h:80/x", "h", 80, "h", False),
            ("wss://h:80/x", "h", 80, "h:80", True),
            ("ws://[::1]:9000/x", "::1", 9000, "[::1]:9000", False),
            ("wss://[2001:db8::1]/x", "2001:db8::1", 443, "[2001:db8::1]", True),
            ("ws://127.0.0.1:1/x", "127.0.0.1", 1, "127.0.0.1:1", False),
        ],
    )
    def test_says_where_to_dial_and_the_host_header(self, endpoint, host, port, authority, secure):
        found = resolve_endpoint(endpoint, "CP1")
        assert (found.host, found.port, found.authority, found.secure) == (host, port, authority, secure)

    @each(
        ("endpoint", "expected"),
        [
            ("http://h/x", "ws:// or wss://"),
            ("h:9000/x", "ws:// or wss://"),
            ("", "ws:// or wss://"),
            ("ws:///x", "host name"),
            ("ws://:9000/x", "host name"),
            ("ws://h_ö/x", "host name"),
            ("ws://h%41/x", "host name"),
            ("ws://h\\x/y", "host name"),
            ("ws://h/x#top", "fragment"),
            ("ws://h/x#", "fragment"),
            ("ws://h:0/x", "port"),
            ("ws://h:65536/x", "port"),
            ("ws://h:abc/x", "port"),
            ("ws://[::1/x", "endpoint like"),
            ("ws://[zz]/x", "endpoint like"),
            ("ws://h/x\r\nHost: evil", "blanks"),
            (" ws://h/x", "blanks"),
            ("ws://h/\ud800", "blanks"),
        ],
    )
    def test_refuses_what_cannot_be_an_endpoint(self, endpoint, expected):
        with pytest.raises(ValueError, match=expected):
            resolve_endpoint(endpoint, "CP1")

    def test_refuses_user_information_without_repeating_it(self):
        with pytest.raises(ValueError, match="user information") as caught:
            resolve_endpoint("ws://CP1:hunter2@h/x", "CP1")
        assert "hunter2" not in str(caught.value)

    @each("identity", ["", "CP\x001", "CP\n", "\x7f", "\udc80"])
    def test_refuses_an_identity_that_no_server_could_read(self, identity):
        with pytest.raises(ValueError, match="identity"):
            resolve_endpoint("ws://h/x", identity)

    def test_refuses_other_types(self):
        with pytest.raises(TypeError, match="expected identity as str, got int"):
            resolve_endpoint("ws://h/x", mistyped(7))
        with pytest.raises(TypeError, match="expected endpoint as str, got bytes"):
            resolve_endpoint(mistyped(b"ws://h/x"), "CP1")


def read(target, **options):
    return an(RequestTarget, read_target(target, **options))


class TestIdentityFromTheRequestTarget:
    @each(
        ("target", "identity"),
        [
            ("/ocpp/CP1", "CP1"),
            ("/CP1", "CP1"),
            ("/ocpp/CP1/", "CP1"),
            ("/ocpp/CP1///", "CP1"),
            ("/ocpp/CP1?x=/y/", "CP1"),
            ("/ocpp/CP1?", "CP1"),
            ("/ocpp/CP%20%2F%C3%BC", "CP /ü"),
            ("/ocpp/%2541", "%41"),
            ("//CPX", "CPX"),
            ("/ocpp/%2e%2e", ".."),
            ("/ocpp/..", ".."),
            ("/ocpp/RDAM|123", "RDAM|123"),
            ("/ocpp/a+b", "a+b"),
            ("/ocpp/CP:1@x", "CP:1@x"),
            ("http://csms.example/ocpp/CP1", "CP1"),
            ("ws://csms.example:9000/ocpp/CP1?x", "CP1"),
        ],
    )
    def test_is_the_last_segment_decoded_once(self, target, identity):
        assert read(target).identity == identity

    @each(
        "target",
        [
            "/",
            "///",
            "/?CP1",
            "",
            "*",
            "CP1",
            "csms.example:443",
            "http://csms.example",
            "//[",
            "/ocpp/CP1#x",
            "/ocpp/CP%",
            "/ocpp/CP%E0%A4%A",
            "/ocpp/CP%zz",
            "/ocpp/%FF",
            "/ocpp/%C3",
            "/ocpp/CP%00",
            "/ocpp/CP%0A1",
            "/ocpp/%ED%A0%80",
            "/ocpp/ü",
        ],
    )
    def test_is_400_where_there_is_none_to_read(self, target):
        found = read_target(target)
        assert isinstance(found, Reject)
        assert found.status == 400

    @each("segment", ["CP%", "CP%E0%A4%A", "CP%zz", "%FF"])
    def test_with_broken_escapes_may_be_kept_as_sent(self, segment):
        assert read(f"/ocpp/{segment}", keep_broken_escapes=True).identity == segment

    def test_with_control_characters_is_400_all_the_same(self):
        assert an(Reject, read_target("/ocpp/CP%00", keep_broken_escapes=True)).status == 400

    @each("target", ["/", "//", "/?id=CP1", "/ocpp", "/ocpp/", "http://csms.example/ocpp?id=CP1"])
    def test_is_empty_on_a_path_without_one(self, target):
        assert read(target, without_identity=("/", "/ocpp/")).identity == ""
        assert read("/ocpp/CP1", without_identity=("/", "/ocpp/")).identity == "CP1"

    def test_path_stays_encoded_and_the_query_is_decoded(self):
        found = read("/a%20b/CP1?x=%201&x=2&flag&=&%zz=%ff")
        assert found.path == "/a%20b/CP1"
        assert found.query == (("x", " 1"), ("x", "2"), ("flag", ""), ("", ""), ("%zz", "\ufffd"))

    @each("identity", ["CP1", "CP/1 ü:x", "50%", "..", "a+b&c?d#e", "[x]", "RDAM|123"])
    def test_reads_back_what_a_station_sends(self, identity):
        assert read(resolve_endpoint("ws://h/ocpp?t=1", identity).target).identity == identity


class TestSubprotocol:
    """RFC 6455 §4.1 and §4.2.2; OCPP-J 1.6 §3.1.2."""

    @each(
        ("offered", "supported", "chosen"),
        [
            (["ocpp2.0.1", "ocpp1.6"], ["ocpp1.6", "ocpp2.0.1"], "ocpp1.6"),
            (["ocpp2.0.1", "ocpp1.6"], ["ocpp1.6"], "ocpp1.6"),
            (["foo", "ocpp1.6"], ["ocpp1.6"], "ocpp1.6"),
            (["OCPP1.6"], ["ocpp1.6"], None),
            (["ocpp1.6 "], ["ocpp1.6"], None),
            ([], ["ocpp1.6"], None),
        ],
    )
    def test_is_the_first_of_the_servers_that_was_offered(self, offered, supported, chosen):
        assert choose_subprotocol(offered, supported) == chosen

    @each(
        ("offered", "valid"),
        [
            (["ocpp1.6", "ocpp2.0.1"], True),
            ([], True),
            (["ocpp1.6", "ocpp1.6"], False),
            (["ocpp1.6", ""], False),
            (["ocpp 1.6"], False),
            (["ocpp/1.6"], False),
            (["öcpp"], False),
        ],
    )
    def test_offer_holds_tokens_none_of_them_twice(self, offered, valid):
        assert is_subprotocol_list(offered) is valid


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

    def test_comparison_takes_text_and_bytes(self):
        assert same_password("ü", "ü".encode())
        assert same_password(b"\x00\xff", b"\x00\xff")
        assert not same_password("secret", b"Secret")
        assert not same_password("secret", b"")

    def test_a_password_is_text_or_bytes(self):
        with pytest.raises(TypeError, match="expected password as str or bytes, got int"):
            password_bytes(mistyped(12345678))


NONE, BASIC, TLS_BASIC, TLS_CERT = SecurityProfile


class TestSecurityProfilesOfAStation:
    """Security whitepaper A00: what a profile demands is refused when missing, and nothing given is silently unused."""

    @each(
        ("profile", "secure", "password", "certificate", "tls_options"),
        [
            (NONE, False, False, False, False),
            (NONE, True, False, False, False),
            (NONE, True, False, False, True),
            (NONE, True, False, True, True),
            (BASIC, False, True, False, False),
            (TLS_BASIC, True, True, False, False),
            (TLS_BASIC, True, True, False, True),
            (TLS_CERT, True, False, True, True),
        ],
    )
    def test_met(self, profile, secure, password, certificate, tls_options):
        check_client_profile(
            profile, secure=secure, password=password, certificate=certificate, tls_options=tls_options
        )

    @each(
        ("profile", "secure", "password", "certificate", "tls_options", "expected"),
        [
            (NONE, False, True, False, False, "no password"),
            (NONE, False, False, False, True, "no tls options"),
            (BASIC, True, True, False, False, "ws://"),
            (BASIC, False, False, False, False, "a password"),
            (BASIC, False, True, False, True, "no tls options"),
            (TLS_BASIC, False, True, False, False, "wss://"),
            (TLS_BASIC, True, False, False, True, "a password"),
            (TLS_CERT, False, False, True, True, "wss://"),
            (TLS_CERT, True, False, False, True, "client certificate"),
            (TLS_CERT, True, True, True, True, "no password"),
        ],
    )
    def test_not_met(self, profile, secure, password, certificate, tls_options, expected):
        with pytest.raises(ValueError, match=expected):
            check_client_profile(
                profile, secure=secure, password=password, certificate=certificate, tls_options=tls_options
            )


class TestSecurityProfilesOfAServer:
    @each("profile", [BASIC, TLS_BASIC])
    def test_that_nobody_could_enforce(self, profile):
        with pytest.raises(ValueError, match="credentials or an auth handler"):
            check_deciders(profile, credentials=False, auth=False)

    @each(
        ("profile", "credentials", "auth"),
        [
            (NONE, False, False),
            (NONE, False, True),
            (BASIC, True, True),
            (TLS_BASIC, False, True),
            (TLS_CERT, False, False),
        ],
    )
    def test_that_somebody_can(self, profile, credentials, auth):
        check_deciders(profile, credentials=credentials, auth=auth)

    @each(
        ("profile", "credentials", "identify", "expected"),
        [
            (NONE, True, False, "no credentials"),
            (TLS_CERT, True, True, "no credentials"),
            (NONE, False, True, "no identify"),
            (TLS_BASIC, True, True, "no identify"),
        ],
    )
    def test_that_would_not_use_what_is_given(self, profile, credentials, identify, expected):
        with pytest.raises(ValueError, match=expected):
            check_server_profile(profile, credentials=credentials, identify=identify)

    @each(
        ("profile", "credentials", "identify"),
        [(NONE, False, False), (BASIC, True, False), (TLS_BASIC, True, False), (TLS_CERT, False, True)],
    )
    def test_that_use_all_of_it(self, profile, credentials, identify):
        check_server_profile(profile, credentials=credentials, identify=identify)

    @each(
        ("profile", "tls", "tls_terminated", "expected"),
        [
            (BASIC, True, False, "no tls options"),
            (TLS_BASIC, False, False, "tls_terminated=True"),
            (TLS_CERT, False, False, "tls_terminated=True"),
        ],
    )
    def test_socket_that_does_not_meet_it(self, profile, tls, tls_terminated, expected):
        with pytest.raises(ValueError, match=expected):
            check_listener_profile(profile, tls=tls, tls_terminated=tls_terminated)

    @each(
        ("profile", "tls", "tls_terminated"),
        [
            (NONE, False, False),
            (NONE, True, False),
            (BASIC, False, True),
            (TLS_BASIC, True, False),
            (TLS_CERT, False, True),
        ],
    )
    def test_socket_that_does(self, profile, tls, tls_terminated):
        check_listener_profile(profile, tls=tls, tls_terminated=tls_terminated)
