"""Admission of one handshake: what a station gets for what it sends."""

from base64 import b64encode
from types import MappingProxyType

import pytest

from ocpp_core.actions import UpgradeRequested
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import IdentityRule
from ocpp_core.inputs import Reject
from ocpp_transports._server._admission import Admission, Admitted
from ocpp_transports.handshake import ConnectionFacts

NONE, BASIC, TLS_BASIC, TLS_CERT = SecurityProfile


def finish(decision):
    """Give a decision; a coroutine that makes it waits for nothing."""
    if isinstance(decision, (Admitted, Reject)):
        return decision
    return play(decision())


def play(coro):
    with pytest.raises(StopIteration) as caught:
        coro.send(None)
    return caught.value.value


def admit(target="/ocpp/CP1", *, offered=("ocpp1.6",), headers=(), facts=None, protocols=("ocpp1.6",), **rules):
    """Let a station knock; what `failed` was told is left in `admit.failures`."""
    admit.failures, admit.alarms = [], []
    told = {"failed": lambda *failure: admit.failures.append(failure), "alarmed": admit.alarms.append}
    admission = Admission(protocols=protocols, **told, **rules)
    read = admission.read(UpgradeRequested(target, headers, offered), facts or ConnectionFacts())
    return read if isinstance(read, Reject) else finish(admission.decide(read))


def basic(password=b"secret", user=b"CP1"):
    return [("authorization", "Basic " + b64encode(user + b":" + password).decode())]


def accept_all(accept, reject, handshake):
    accept()


class TestWhatHasToBeWaitedFor:
    @pytest.mark.parametrize("rule", ["auth", "credentials"])
    def test_is_not_begun_before_there_is_a_task_for_it(self, rule):
        """A task that is cancelled before its first step would leave a coroutine that nobody awaited."""
        begun = []

        async def auth(accept, reject, handshake):
            begun.append("auth")
            accept()

        async def credentials(identity):
            begun.append("credentials")
            return "secret"

        rules = {"auth": auth} if rule == "auth" else {"credentials": credentials, "security_profile": BASIC}
        admission = Admission(protocols=("ocpp1.6",), failed=print, alarmed=print, **rules)
        handshake = admission.read(UpgradeRequested("/CP1", basic(), ("ocpp1.6",)), ConnectionFacts())
        decide = admission.decide(handshake)
        assert begun == []
        assert isinstance(play(decide()), Admitted)
        assert begun == [rule]

    def test_may_come_from_a_plain_function(self):
        async def later(accept):
            accept()

        assert isinstance(admit(auth=lambda accept, reject, handshake: later(accept)), Admitted)


class TestMalformedRequests:
    @pytest.mark.parametrize(
        ("target", "offered", "body"),
        [
            ("/", ["ocpp1.6"], "Missing identity"),
            ("//[", ["ocpp1.6"], "Invalid request target"),
            ("/CP%zz", ["ocpp1.6"], "Invalid identity"),
            ("/CP1", ["ocpp1.6", "ocpp1.6"], "Invalid Sec-WebSocket-Protocol"),
            ("/CP1", ["ocpp 1.6"], "Invalid Sec-WebSocket-Protocol"),
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
        assert isinstance(admit("/RDAM%20123", **both, protocols=("ocpp1.6", "ocpp2.0.1")), Admitted)
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
        asked = []
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
        assert admit.failures == []  # it is the station's mistake, not that of `auth`

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


class TestHandshake:
    def test_leaves_out_empty_elements_of_the_offer(self):
        """RFC 9110 §5.6.1.2; an ASGI server hands them on."""
        assert admit(offered=["", "ocpp1.6", ""]).handshake.protocols == ("ocpp1.6",)

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


class TestCredentials:
    """Security whitepaper §2.3: checked before the upgrade, 401 with a challenge otherwise."""

    @pytest.mark.parametrize("profile", [BASIC, TLS_BASIC])
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            (basic(), None),
            ([], 401),
            (basic(b"Secret"), 401),
            (basic(b""), 401),
            (basic(user=b"CP2"), 401),
            ([("authorization", "Bearer c2VjcmV0")], 401),
            (basic() + basic(), 401),
        ],
    )
    def test_are_checked_on_profiles_1_and_2(self, profile, headers, status):
        answer = admit(headers=headers, security_profile=profile, credentials={"CP1": "secret", "CP2": "secret"})
        assert (answer.status if isinstance(answer, Reject) else None) == status

    def test_every_401_carries_a_challenge(self):
        refused = admit(security_profile=BASIC, credentials={})
        assert dict(refused.headers)["www-authenticate"].startswith("Basic ")
        by_auth = admit(auth=lambda accept, reject, handshake: reject())
        assert (by_auth.status, by_auth.body) == (401, "Unauthorized")
        assert dict(by_auth.headers)["www-authenticate"].startswith("Basic ")

    def test_unknown_identity_is_401_even_with_an_empty_password(self):
        assert admit(headers=basic(b""), security_profile=BASIC, credentials={"CP2": "x"}).status == 401
        assert admit(headers=basic(b""), security_profile=BASIC, credentials=lambda identity: None).status == 401

    def test_may_be_text_bytes_or_a_function_of_either_kind(self):
        async def later(identity):
            return {"CP1": b"secret"}.get(identity)

        for credentials in ({"CP1": "secret"}, {"CP1": b"secret"}, {"CP1": "secret"}.get, later):
            assert isinstance(admit(headers=basic(), security_profile=BASIC, credentials=credentials), Admitted)

    @pytest.mark.parametrize("broken", [lambda identity: 1 / 0, lambda identity: 12345678])
    def test_that_fail_are_500_without_the_exceptions_text(self, broken):
        refused = admit(headers=basic(), security_profile=BASIC, credentials=broken)
        assert (refused.status, refused.body) == (500, "Internal Server Error")
        assert [text for text, _ in admit.failures] == ["credentials raised"]

    def test_that_nobody_checks_let_nobody_in(self):
        """A server refuses to listen so; should one come here all the same, it must not get in."""
        assert admit(headers=basic(), security_profile=BASIC).status == 401

    def test_auth_is_not_asked_about_a_station_that_does_not_meet_the_profile(self):
        asked = []
        rules = {"security_profile": BASIC, "auth": lambda accept, reject, handshake: asked.append(handshake)}
        assert admit(**rules).status == 401
        assert admit(**rules, credentials={"CP1": "other"}, headers=basic()).status == 401
        assert asked == []

    def test_auth_has_the_last_word_after_credentials(self):
        rules = {"security_profile": BASIC, "credentials": {"CP1": "secret"}, "headers": basic()}
        assert isinstance(admit(auth=accept_all, **rules), Admitted)
        assert admit(auth=lambda accept, reject, handshake: reject(403, "Not today"), **rules).status == 403


class TestAuth:
    def test_accepts_with_a_session_and_another_offered_protocol(self):
        def auth(accept, reject, handshake):
            accept(protocol="ocpp2.0.1", session={"tenant": handshake.identity})

        admitted = admit(offered=["ocpp1.6", "ocpp2.0.1"], protocols=("ocpp1.6", "ocpp2.0.1"), auth=auth)
        assert (admitted.protocol, admitted.session) == ("ocpp2.0.1", {"tenant": "CP1"})

    def test_may_be_asynchronous(self):
        async def auth(accept, reject, handshake):
            accept()

        assert isinstance(admit(auth=auth), Admitted)

    def test_the_first_decision_counts(self):
        def auth(accept, reject, handshake):
            reject(403, "Blocked")
            accept()
            reject(404)

        assert (admit(auth=auth).status, admit(auth=auth).body) == (403, "Blocked")

    def test_undecided_is_500(self):
        assert admit(auth=lambda accept, reject, handshake: None).status == 500
        assert [text for text, _ in admit.failures] == ["auth decided nothing"]

    def test_raising_is_500_without_the_exceptions_text(self):
        async def auth(accept, reject, handshake):
            accept()
            raise RuntimeError("oops secret")

        refused = admit(auth=auth)
        assert (refused.status, refused.body) == (500, "Internal Server Error")
        assert str(admit.failures[0][1]) == "oops secret"

    def test_a_refusal_stands_even_if_auth_raises_afterwards(self):
        def auth(accept, reject, handshake):
            reject(403)
            raise RuntimeError

        assert admit(auth=auth).status == 403

    def test_an_unoffered_protocol_raises_and_is_500_if_nobody_catches_it(self):
        caught = []

        def careful(accept, reject, handshake):
            try:
                accept(protocol="ocpp2.0.1")
            except ValueError as error:
                caught.append(str(error))
                accept()

        assert admit(auth=careful).protocol == "ocpp1.6"
        assert caught == ["expected one of the offered subprotocols in `protocols` (ocpp1.6), got 'ocpp2.0.1'"]
        assert admit(auth=lambda accept, reject, handshake: accept(protocol="ocpp2.0.1")).status == 500

    def test_never_chooses_what_the_server_is_not_set_up_for(self):
        def auth(accept, reject, handshake):
            with pytest.raises(ValueError, match="offered subprotocols in `protocols`"):
                accept(protocol="ocpp9.9")
            accept()

        assert admit(offered=["ocpp1.6", "ocpp9.9"], auth=auth).protocol == "ocpp1.6"

    def test_sees_the_default_protocol_as_the_only_choice(self):
        def auth(accept, reject, handshake):
            with pytest.raises(ValueError, match=r"\(ocpp1\.6\), got"):
                accept(protocol="ocpp2.1")
            accept(protocol="ocpp1.6")

        rules = {"protocols": ("ocpp2.1", "ocpp1.6"), "default_protocol": "ocpp1.6"}
        assert admit(offered=[], auth=auth, **rules).protocol == "ocpp1.6"

    @pytest.mark.parametrize("status", [200, 301, 399, 600, 4001, "401", True, None])
    def test_rejects_by_a_4xx_or_5xx_only(self, status):
        seen = []

        def auth(accept, reject, handshake):
            with pytest.raises(ValueError, match="HTTP status of 400 to 599"):
                reject(status)
            seen.append(status)
            accept()

        assert isinstance(admit(auth=auth), Admitted)
        assert seen == [status]

    def test_503_says_when_to_come_back(self):
        refused = admit(auth=lambda accept, reject, handshake: reject(503, "Maintenance"))
        assert "retry-after" in dict(refused.headers)
