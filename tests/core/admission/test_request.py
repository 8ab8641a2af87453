"""What a request says by itself: identity, subprotocol, and what an application sees of it."""

from base64 import b64encode
from types import MappingProxyType

import pytest

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.identity import IdentityRule
from tests.core.admission.station import BASIC, NONE, admit, arrive, basic, is_refused, judge


class TestMalformedRequests:
    @pytest.mark.parametrize(
        ("target", "offered", "body"),
        [
            ("/", ["ocpp1.6"], "Missing identity"),
            ("//[", ["ocpp1.6"], "Invalid request target"),
            ("/CP%zz", ["ocpp1.6"], "Invalid identity"),
            ("/ocpp/%2e%2e", ["ocpp1.6"], "Invalid identity, expected 1 to 48 printable characters"),
            ("/ocpp/a%2Fb", ["ocpp1.6"], "Invalid identity"),
        ],
    )
    def test_are_400(self, target, offered, body):
        refused = admit(target, offered=offered)
        assert refused.status == 400
        assert refused.body.startswith(body)

    def test_broken_escapes_may_be_kept(self):
        admitted = admit("/ocpp/CP%E0%A4%A", broken_escapes="keep")
        assert admitted.handshake.identity == "CP%E0%A4%A"


class TestIdentity:
    def test_is_held_to_the_rule_of_the_version_that_is_spoken(self):
        both = {"offered": ["ocpp2.0.1", "ocpp1.6"]}
        assert not is_refused(admit("/RDAM%20123", **both, protocols=("ocpp1.6", "ocpp2.0.1")))
        refused = admit("/RDAM%20123", **both, protocols=("ocpp2.0.1", "ocpp1.6"))
        assert (refused.status, refused.body) == (
            400,
            "Invalid identity, expected 1 to 48 characters of A-Z a-z 0-9 *-_=:+|@.",
        )

    def test_is_held_to_the_rule_of_the_version_that_auth_chooses(self):
        both = {"offered": ["ocpp2.0.1", "ocpp1.6"], "protocols": ("ocpp1.6", "ocpp2.0.1")}
        refused = admit("/RDAM%20123", **both, auth=lambda accept, *_: accept(protocol="ocpp2.0.1"))
        assert refused.status == 400

    def test_is_refused_before_credentials_and_auth_hear_of_it(self):
        asked: list[object] = []
        rules = {"security_profile": BASIC, "credentials": asked.append, "auth": lambda *decision: asked.append(1)}
        assert admit("/ocpp/a%2Fb", headers=basic(user=b"a/b"), **rules).status == 400
        assert asked == []

    def test_may_be_named_by_auth(self):
        admitted = admit(auth=lambda accept, *_: accept(identity="tenant|CP1"))
        assert (admitted.handshake.identity, admitted.handshake.path) == ("tenant|CP1", "/ocpp/CP1")

    @pytest.mark.parametrize(("identity", "told"), [("a/b", "Invalid"), ("x" * 49, "Invalid"), ("", "Missing")])
    def test_that_auth_takes_from_the_station_is_held_to_the_rule_as_well(self, identity, told):
        refused = admit(auth=lambda accept, *_: accept(identity=identity))
        assert (refused.status, refused.body.partition(" ")[0]) == (400, told)

    def test_is_text(self):
        def auth(accept, reject, handshake):
            with pytest.raises(TypeError, match="expected identity as str, got int"):
                accept(identity=7)
            reject(403)

        assert admit(auth=auth).status == 403


PATHS = MappingProxyType({"paths_without_identity": ("/", "/ocpp")})
CASELESS = MappingProxyType({"identities": IdentityRule(ignore_case=True), "security_profile": BASIC})


class TestPathsWithoutIdentity:
    def test_take_the_user_name_of_the_credentials(self):
        rules = {**PATHS, "security_profile": BASIC, "credentials": {"CP1": "secret"}}
        admitted = admit("/", headers=basic(), **rules)
        assert (admitted.handshake.identity, admitted.handshake.password) == ("CP1", b"secret")
        assert admit("/", headers=basic(b"wrong"), **rules).status == 401
        assert admit("/", headers=basic(user=b""), **rules).status == 401
        assert admit("/", **rules).status == 401
        assert admit("/", headers=basic(user=b"a/b"), **rules).status == 400

    @pytest.mark.parametrize("target", ["/?id=CP1", "/ocpp?id=CP1", "/ocpp/?id=CP1"])
    def test_ask_auth_for_it(self, target):
        def auth(accept, reject, handshake):
            assert handshake.identity == ""
            accept(identity=handshake.query.get("id"))

        assert admit(target, auth=auth, **PATHS).handshake.identity == "CP1"
        assert admit(target.replace("id", "ib"), auth=auth, **PATHS).body == "Missing identity"

    def test_are_400_where_nobody_names_one(self):
        assert (admit("/", **PATHS).status, admit("/", **PATHS).body) == (400, "Missing identity")
        assert admit("/", headers=basic()).status == 400

    def test_leave_the_others_as_they_are(self):
        assert admit("/ocpp/CP1", **PATHS).handshake.identity == "CP1"


class TestIdentitiesThatDifferInCase:
    @pytest.mark.parametrize("target", ["/cp1", "/CP1", "/Cp1"])
    @pytest.mark.parametrize("user", [b"CP1", b"cP1"])
    def test_have_one_password(self, target, user):
        admitted = admit(target, headers=basic(user=user), credentials={"CP1": "secret"}, **CASELESS)
        assert admitted.handshake.identity == target[1:]
        assert admit(target, headers=basic(b"x", user), credentials={"CP1": "secret"}, **CASELESS).status == 401

    def test_are_two_by_default(self):
        rules = {"security_profile": BASIC, "credentials": {"CP1": "secret"}}
        assert admit("/cp1", headers=basic(user=b"cp1"), **rules).status == 401
        assert admit("/cp1", headers=basic(user=b"CP1"), **rules).status == 401


class TestSubprotocol:
    """OCPP-J 1.6 §3.2, 2.x Part 4 §3.3; certification test TC_B_58_CSMS."""

    @pytest.mark.parametrize(
        ("offered", "chosen"),
        [
            (["ocpp1.6"], "ocpp1.6"),
            (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1"),
            (["ocpp0.1", "ocpp1.6"], "ocpp1.6"),
        ],
    )
    def test_is_the_servers_first_that_was_offered(self, offered, chosen):
        assert admit(offered=offered, protocols=("ocpp2.0.1", "ocpp1.6")).protocol == chosen

    def test_none_in_common_is_described_to_the_operator_without_what_may_be_a_token(self):
        candidate = arrive(offered=("ocpp1.5", "bearer.c2VjcmV0", "ocpp" + "9" * 90))
        assert is_refused(judge(candidate))
        assert candidate.cause is not None
        assert (candidate.cause.kind, candidate.cause.detail) == (
            "bad_subprotocol",
            "offered ocpp1.5 and 2 other names",
        )

    @pytest.mark.parametrize(("offered", "body"), [([], "Missing"), (["ocpp0.1"], "No matching"), (["OCPP1.6"], "No")])
    def test_none_in_common_is_400(self, offered, body):
        refused = admit(offered=offered)
        assert refused.status == 400
        assert refused.body.startswith(body)

    @pytest.mark.parametrize("offered", [[], ["ocpp0.1"]])
    def test_none_in_common_may_be_upgraded_and_closed(self, offered):
        admitted = admit(offered=offered, unmatched_protocol="upgrade-then-close")
        assert admitted.protocol is None

    def test_default_is_for_stations_that_offer_none_at_all(self):
        assert admit(offered=[], default_protocol="ocpp1.6").protocol == "ocpp1.6"
        assert admit(offered=["ocpp0.1"], default_protocol="ocpp1.6").status == 400

    @pytest.mark.parametrize("offered", [[], ["OCPP1.6"], ["ocpp", "bearer.c2VjcmV0"]])
    def test_known_one_is_for_stations_that_offer_no_version_of_ocpp(self, offered):
        rules = {"protocols": ("ocpp2.1", "ocpp1.6"), "default_protocol": "ocpp2.1"}
        assert admit(offered=offered, known_protocol=lambda handshake: "ocpp1.6", **rules).protocol == "ocpp1.6"

    @pytest.mark.parametrize("offered", [["ocpp1.5"], ["ocpp", "ocpp2.0.1"]])
    def test_known_one_is_not_for_stations_that_speak_another_version(self, offered):
        assert admit(offered=offered, known_protocol=lambda handshake: "ocpp1.6").status == 400

    def test_known_one_that_the_server_does_not_speak_is_none(self):
        rules = {"known_protocol": lambda handshake: "ocpp2.1"}
        assert admit(offered=["ocpp"], **rules).status == 400
        assert admit(offered=[], default_protocol="ocpp1.6", **rules).protocol == "ocpp1.6"


class TestHandshake:
    def test_holds_what_the_station_sent_and_what_is_known_of_it(self):
        certificate = {"subject": ((("commonName", "SN1"),),)}
        handshake = admit(
            "/a%20b/CP%201?x=1&x=2&y=",
            offered=["ocpp1.6", "foo"],
            headers=[("user-agent", "station"), ("x", "1"), ("x", "2")],
            facts=ConnectionFacts("192.0.2.1", certificate, tls=True),
        ).handshake
        assert (handshake.identity, handshake.path) == ("CP 1", "/a%20b/CP%201")
        assert handshake.protocols == ("ocpp1.6", "foo")
        assert handshake.query == {"x": "1", "y": ""}
        assert handshake.headers == {"user-agent": "station", "x": "1, 2"}
        assert (handshake.remote_address, handshake.client_certificate) == ("192.0.2.1", certificate)
        assert (handshake.password, handshake.security_profile) == (None, NONE)

    def test_password_is_the_bytes_after_the_identity(self):
        assert admit(headers=basic(b"\x00:\xff")).handshake.password == b"\x00:\xff"
        assert admit(headers=basic(user=b"CP2")).handshake.password is None
        assert admit(headers=basic() + basic()).handshake.password is None

    def test_shows_no_secret(self):
        assert "secret" not in repr(admit(headers=basic()).handshake)
        assert b64encode(b"CP1:secret").decode() not in repr(admit(headers=basic()).handshake)
