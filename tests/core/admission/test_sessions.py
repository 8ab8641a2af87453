"""Sessions of stations that have left: for whom, for how long, and how many."""

import pytest

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.sessions import SessionMemory
from ocpp_core.handshake import SecurityProfile
from ocpp_core.identity import IdentityRule
from tests.core.admission.station import BASIC, NONE, TLS_BASIC, TLS_CERT, accept_all, admit, basic

ALICE = BASIC, "alice"
BOB = BASIC, "bob"


@pytest.fixture
def memory():
    return SessionMemory(100.0, 3)


class TestASession:
    def test_returns_within_its_time_to_live_and_only_once(self, memory):
        memory.keep("CP1", ALICE, {"tag": 1}, 0.0)
        assert memory.take("CP1", ALICE, 99.9) == {"tag": 1}
        assert memory.take("CP1", ALICE, 99.9) == {}

    def test_is_forgotten_at_the_end_of_its_time_to_live(self, memory):
        memory.keep("CP1", ALICE, {"tag": 1}, 0.0)
        assert memory.take("CP1", ALICE, 100.0) == {}
        memory.keep("CP1", ALICE, {"tag": 1}, 0.0)
        memory.keep("CP2", ALICE, {}, 100.0)
        assert len(memory) == 0

    def test_obeys_a_shorter_time_to_live_at_once(self, memory):
        memory.keep("CP1", ALICE, {"tag": 1}, 0.0)
        memory.time_to_live = 10.0
        assert memory.take("CP1", ALICE, 10.0) == {}

    def test_belongs_to_its_principal(self, memory):
        memory.keep("CP1", ALICE, {"of": "alice"}, 0.0)
        assert memory.take("CP1", BOB, 1.0) == {}
        assert memory.take("CP1", (TLS_BASIC, "alice"), 1.0) == {}
        memory.keep("CP1", BOB, {"of": "bob"}, 2.0)
        assert memory.take("CP1", ALICE, 3.0) == {"of": "alice"}

    def test_of_nobody_in_particular_is_not_kept(self, memory):
        memory.keep("CP1", None, {"tag": 1}, 0.0)
        assert (len(memory), memory.take("CP1", None, 0.0)) == (0, {})

    def test_of_a_station_that_emptied_it_is_forgotten(self, memory):
        memory.keep("CP1", ALICE, {"tag": 1}, 0.0)
        memory.keep("CP1", ALICE, {}, 1.0)
        assert len(memory) == 0

    def test_that_the_application_replaced_with_something_else_is_not_kept(self, memory):
        memory.keep("CP1", ALICE, None, 0.0)
        assert len(memory) == 0


def test_beyond_the_limit_the_one_that_was_kept_first_is_dropped(memory):
    for number in (1, 2, 3, 1, 4):
        memory.keep(f"CP{number}", ALICE, {"number": number}, float(number))
    assert [number for number in (1, 2, 3, 4) if memory.take(f"CP{number}", ALICE, 5.0)] == [1, 3, 4]


def facts(*subject, fingerprint=None):
    certificate = {"subject": tuple(((name, value),) for name, value in subject), "subjectAltName": (("DNS", "CP1"),)}
    return ConnectionFacts(client_certificate=certificate, certificate_fingerprint=fingerprint, tls=True)


class TestThePrincipal:
    def test_is_the_user_whose_password_was_checked(self):
        rules = {"headers": basic(), "security_profile": BASIC, "credentials": {"CP1": "secret"}}
        assert admit(**rules, keeps_sessions=True).principal == (BASIC, "CP1")

    def test_is_the_user_and_not_the_name_that_auth_gives_the_station(self):
        def auth(accept, reject, handshake):
            accept(identity="SN1")

        admitted = admit(headers=basic(), security_profile=TLS_BASIC, auth=auth, keeps_sessions=True)
        assert (admitted.handshake.identity, admitted.principal) == ("SN1", (TLS_BASIC, "CP1"))

    def test_is_the_same_if_only_the_case_of_the_identity_differs(self):
        rules = {"security_profile": BASIC, "credentials": {"CP1": "secret"}, "keeps_sessions": True}
        identities = IdentityRule(ignore_case=True)
        upper, lower = (
            admit(f"/{name}", headers=basic(user=name.encode()), identities=identities, **rules).principal
            for name in ("CP1", "cp1")
        )
        assert upper == lower

    def test_is_the_subject_of_the_certificate_also_of_a_renewed_one(self):
        rules = {"security_profile": TLS_CERT, "keeps_sessions": True}
        before = admit(facts=facts(("commonName", "CP1"), fingerprint="aa"), **rules).principal
        after = admit(facts=facts(("commonName", "CP1"), fingerprint="bb"), **rules).principal
        other = admit(facts=facts(("commonName", "CP2"), fingerprint="aa"), **rules).principal
        assert before == after != other

    @pytest.mark.parametrize("subject", [[], [("organizationName", "ACME")]])
    def test_is_the_fingerprint_of_a_certificate_without_a_name_since_stations_may_share_its_subject(self, subject):
        rules = {"security_profile": TLS_CERT, "keeps_sessions": True}
        assert admit(facts=facts(*subject, fingerprint="aa"), **rules).principal == (TLS_CERT, "aa")

    @pytest.mark.parametrize("subject", ["CN=CP1", [7], [["commonName"]], 7])
    def test_is_the_fingerprint_of_a_certificate_whose_subject_is_malformed(self, subject):
        rules = {"security_profile": TLS_CERT, "keeps_sessions": True, "identify": "any"}
        malformed = ConnectionFacts(client_certificate={"subject": subject}, certificate_fingerprint="aa", tls=True)
        assert admit(facts=malformed, **rules).principal == (TLS_CERT, "aa")

    @pytest.mark.parametrize("profile", [NONE, TLS_CERT])
    def test_is_nobody_if_nothing_was_proven_even_if_auth_accepts(self, profile: SecurityProfile):
        rules = {"security_profile": profile, "tls_terminated": True, "auth": accept_all, "keeps_sessions": True}
        assert admit(**rules).principal is None
        assert admit(**rules, unauthenticated_sessions=True).principal == (profile, "")

    def test_is_not_looked_for_if_no_session_is_kept(self):
        admitted = admit(headers=basic(), security_profile=BASIC, credentials={"CP1": "secret"})
        assert admitted.principal is None
