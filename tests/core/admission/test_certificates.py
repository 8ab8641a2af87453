"""Security profile 3: a certificate of the CA is good for its own identity, and for no other one."""

import pytest

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.identity import IdentityRule
from tests.core.admission.station import TLS_CERT, accept_all, admit, arrive, is_refused, judge


def certificate(name="SN1", *alternatives):
    """What `getpeercert` gives; None leaves the CN out."""
    subject = ((("organizationName", "CPO"),), *(((("commonName", name),),) if name else ()))
    return {"subject": subject, "subjectAltName": alternatives}


CERTIFICATE = certificate()


def show(identity="SN1", shown=CERTIFICATE, **rules):
    """Let a station come with a certificate; give the status of a refusal, None for a station that is let in."""
    return show_and_hear(identity, shown, **rules)[0]


def show_and_hear(identity="SN1", shown=CERTIFICATE, **rules):
    """Give what the operator is told, too: an empty text for nothing."""
    candidate = arrive(f"/ocpp/{identity}", facts=ConnectionFacts("192.0.2.1", shown, tls=True))
    refusal = judge(candidate, security_profile=TLS_CERT, **rules)
    return None if refusal is None else refusal.status, candidate.cause.detail if candidate.cause else ""


class TestByDefault:
    @pytest.mark.parametrize(
        ("shown", "identity", "status"),
        [
            (certificate("CP1"), "CP1", None),
            (certificate("CP2"), "CP1", 401),
            (certificate("cp1"), "CP1", 401),
            (certificate("CP1 "), "CP1", 401),
            (certificate("CP1\x00.evil"), "CP1", 401),
            (certificate("CP"), "CP1", 401),
            (certificate("SN1", ("DNS", "CP1")), "CP1", None),
            (certificate(None, ("DNS", "other"), ("DNS", "CP1")), "CP1", None),
            (certificate("SN1", ("URI", "CP:1")), "CP:1", None),
            (certificate("SN1", ("IP Address", "192.0.2.7")), "192.0.2.7", None),
            (certificate("SN1", ("DNS", "*")), "CP1", 401),
            (certificate("SN1", ("DirName", ((("commonName", "CP1"),),))), "CP1", 401),
            (certificate("SN1", ("othername", "<unsupported>")), "<unsupported>", 401),
            (certificate("SN1", ("IP Address", "<invalid>")), "<invalid>", 401),
            (certificate("CPO"), "CPO", None),
            (certificate("SN1"), "CPO", 401),  # the organization is no name of the station
            ({}, "CP1", 401),
        ],
    )
    def test_the_cn_or_an_alternative_name_is_the_identity(self, shown, identity, status):
        assert show(identity.replace("<", "%3C").replace(">", "%3E"), shown) == status

    def test_case_counts_unless_the_server_ignores_it(self):
        assert show("sn1") == 401
        assert show("sn1", identities=IdentityRule(ignore_case=True)) is None

    def test_a_mismatch_is_told_as_a_matter_of_security(self):
        assert show_and_hear("CP1") == (401, "the certificate of 'SN1' is not valid for this identity")
        assert show_and_hear("SN1") == (None, "")

    def test_auth_is_not_asked_about_a_mismatch(self):
        asked = []
        assert show("CP1", auth=lambda *decision: asked.append(decision)) == 401
        assert asked == []

    def test_auth_cannot_give_a_station_another_identity_than_its_certificate_has(self):
        status, alarm = show_and_hear(auth=lambda accept, *_: accept(identity="CP1"))
        assert status == 401
        assert "'SN1'" in alarm

    def test_auth_may_name_the_station_of_a_path_without_identity(self):
        rules = {"paths_without_identity": ["/ocpp"]}
        assert show("", auth=lambda accept, *_: accept(identity="SN1"), **rules) is None
        assert show("", auth=lambda accept, *_: accept(identity="CP1"), **rules) == 401


class TestAMapping:
    @pytest.mark.parametrize(("identity", "status"), [("CP1", None), ("SN1", 401), ("CP2", 401)])
    def test_from_cn_to_identity(self, identity, status):
        assert show(identity, identify={"SN1": "CP1", "SN2": "CP2"}) == status

    def test_does_not_name_an_unknown_certificate(self):
        assert show("SN1", identify={}) == 401
        assert show("None", identify={}) == 401


class TestAFunction:
    @pytest.mark.parametrize(
        ("answer", "status"), [(True, None), ("CP1", None), (False, 401), (None, 401), ("CP2", 401), ("", 401)]
    )
    def test_says_whether_or_whose(self, answer, status):
        async def later(shown, identity):
            return answer

        assert show("CP1", identify=lambda shown, identity: answer) == status
        assert show("CP1", identify=later) == status
        assert show("CP1", identify=later, auth=accept_all) == status

    def test_sees_certificate_and_identity(self):
        seen = []
        show("CP1", identify=lambda *given: seen.append(given))
        assert seen == [(CERTIFICATE, "CP1")]


class TestAny:
    def test_takes_every_certificate_for_every_identity(self):
        assert show("CP1", identify="any") is None


class TestWithoutACertificate:
    @pytest.mark.parametrize("identify", ["exact", "any", lambda shown, identity: True])
    def test_nobody_is_let_in(self, identify):
        assert show("CP1", None, identify=identify) == 401

    def test_it_is_up_to_the_proxy_and_to_auth(self):
        assert show("CP1", None, tls_terminated=True) is None
        assert show("CP1", CERTIFICATE, tls_terminated=True) == 401


def test_other_profiles_ask_for_no_certificate():
    assert not is_refused(admit(facts=ConnectionFacts("192.0.2.1", CERTIFICATE, tls=True)))
