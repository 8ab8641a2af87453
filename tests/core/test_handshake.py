"""The pure rules of the handshake."""

import pytest

from ocpp_core.handshake import (
    SecurityProfile,
    check_certificate_rule,
    check_client_profile,
    check_deciders,
    check_listener_profile,
    check_server_profile,
    resolve_endpoint,
)
from tests.kinds import mistyped
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
        with pytest.raises(ValueError, match="credentials, verify or an auth handler"):
            check_deciders(profile, passwords=False, auth=False)

    @each(
        ("profile", "passwords", "auth"),
        [
            (NONE, False, False),
            (NONE, False, True),
            (BASIC, True, True),
            (TLS_BASIC, False, True),
            (TLS_CERT, False, False),
        ],
    )
    def test_that_somebody_can(self, profile, passwords, auth):
        check_deciders(profile, passwords=passwords, auth=auth)

    @each(
        ("profile", "credentials", "verify", "identify", "expected"),
        [
            (NONE, True, False, False, "no credentials"),
            (TLS_CERT, True, False, True, "no credentials"),
            (NONE, False, True, False, "no verify"),
            (TLS_CERT, False, True, False, "no verify"),
            (BASIC, True, True, False, "credentials or verify, got both"),
            (NONE, False, False, True, "no identify"),
            (TLS_BASIC, True, False, True, "no identify"),
        ],
    )
    def test_that_would_not_use_what_is_given(self, profile, credentials, verify, identify, expected):
        with pytest.raises(ValueError, match=expected):
            check_server_profile(profile, credentials=credentials, verify=verify, identify=identify)

    @each(
        ("profile", "credentials", "verify", "identify"),
        [
            (NONE, False, False, False),
            (BASIC, True, False, False),
            (TLS_BASIC, False, True, False),
            (TLS_CERT, False, False, True),
        ],
    )
    def test_that_use_all_of_it(self, profile, credentials, verify, identify):
        check_server_profile(profile, credentials=credentials, verify=verify, identify=identify)

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


class TestARuleForCertificates:
    @pytest.mark.parametrize("profile", [NONE, BASIC, TLS_BASIC])
    def test_needs_profile_3(self, profile):
        with pytest.raises(ValueError, match="expected no pins with security profile"):
            check_certificate_rule("pins", profile, is_shown=True)

    def test_needs_the_certificate_itself(self):
        check_certificate_rule("pins", TLS_CERT, is_shown=True)
        with pytest.raises(ValueError, match="expected no pins with tls_terminated"):
            check_certificate_rule("pins", TLS_CERT, is_shown=False)
