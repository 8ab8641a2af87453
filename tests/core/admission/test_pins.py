"""Organization and fingerprint of a certificate: A00.FR.404, and pinning beyond the standard."""

import pytest

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.admission.pins import fingerprint_of
from ocpp_core.identity import IdentityRule
from tests.core.admission.station import TLS_CERT, arrive, judge, play

PIN, OTHER = fingerprint_of(b"one"), fingerprint_of(b"another")
WITH_COLONS = ":".join(PIN[at : at + 2] for at in range(0, 64, 2)).upper()
SUBJECT = ((("organizationName", "CPO"),), (("commonName", "CP1"),))


def show(identity="CP1", *, subject=SUBJECT, fingerprint=PIN, bare=False, **rules):
    """Return the status of a refusal, None for a station that is accepted, and the reason for the operator."""
    shown = None if bare else {"subject": subject}
    facts = ConnectionFacts("192.0.2.1", shown, tls=True, certificate_fingerprint=None if bare else fingerprint)
    candidate = arrive(f"/ocpp/{identity}", facts=facts)
    refusal = judge(candidate, security_profile=TLS_CERT, **{"identify": "any", **rules})
    return None if refusal is None else refusal.status, candidate.cause.detail if candidate.cause else ""


class TestTheOrganization:
    @pytest.mark.parametrize(
        ("organizations", "subject", "status"),
        [
            ({"CPO"}, SUBJECT, None),
            ({"Other", "CPO"}, SUBJECT, None),
            ({"cpo"}, SUBJECT, 401),
            ({"CP1"}, SUBJECT, 401),  # the name of the station is no organization
            ({"CPO"}, SUBJECT[1:], 401),
            ({"CPO"}, (), 401),
            ({"CPO"}, ((("commonName", "CP1"), ("organizationName", "CPO")),), None),
        ],
    )
    def test_is_one_of_those_of_the_server(self, organizations, subject, status):
        assert show(subject=subject, organizations=frozenset(organizations))[0] == status

    def test_that_is_another_one_is_reported(self):
        status, alarm = show(organizations=frozenset({"Other"}))
        assert (status, alarm) == (401, "the certificate of 'CP1' names another organization")

    def test_is_required_even_where_a_proxy_checks_certificates(self):
        assert show(bare=True, tls_terminated=True, organizations=frozenset({"CPO"}))[0] == 401


class TestAPin:
    @pytest.mark.parametrize(
        ("pins", "status"),
        [
            ({"CP1": PIN}, None),
            ({"CP1": WITH_COLONS}, None),
            ({"CP1": [OTHER, PIN]}, None),
            ({"CP1": OTHER}, 401),
            ({"CP1": []}, 401),
            ({"CP2": PIN}, 401),
            ({}, 401),
            ({"CP1": PIN}.get, None),
            ({}.get, 401),
        ],
    )
    def test_is_that_of_the_identity(self, pins, status):
        assert show(certificate_pins=pins)[0] == status

    def test_may_come_from_a_coroutine_function(self):
        async def pins(identity):
            return {"CP1": PIN}.get(identity)

        assert show(certificate_pins=pins)[0] is None
        assert show("CP2", certificate_pins=pins)[0] == 401
        assert play(pins("CP1")) == PIN

    def test_that_differs_is_reported_with_the_fingerprint(self):
        status, alarm = show(certificate_pins={"CP1": OTHER})
        assert status == 401
        assert alarm.endswith(f"is not pinned for this identity (SHA-256 {PIN})")

    def test_does_not_replace_the_check_of_the_name(self):
        assert show("CP2", certificate_pins={"CP2": PIN}, identify="exact")[0] == 401
        assert show("CP1", certificate_pins={"CP1": OTHER}, identify="exact")[0] == 401
        assert show("CP1", certificate_pins={"CP1": PIN}, identify="exact")[0] is None

    def test_is_required_even_where_a_proxy_checks_certificates(self):
        assert show(bare=True, tls_terminated=True, certificate_pins={"CP1": PIN})[0] == 401

    def test_is_that_of_the_identity_that_auth_names(self):
        def rename(accept, reject, handshake):
            accept(identity="CP2")

        assert show(certificate_pins={"CP1": PIN}, auth=rename)[0] == 401
        assert show(certificate_pins={"CP1": PIN, "CP2": PIN}, auth=rename)[0] is None
        assert show("", paths_without_identity=["/ocpp"], certificate_pins={"CP2": PIN}, auth=rename)[0] is None
        assert show("", paths_without_identity=["/ocpp"], certificate_pins={"CP2": OTHER}, auth=rename)[0] == 401

    def test_has_another_spelling_if_case_is_ignored(self):
        assert show("cp1", certificate_pins={"CP1": PIN}, identities=IdentityRule(ignore_case=True))[0] is None

    @pytest.mark.parametrize("pins", [{"CP1": "abc"}, {"CP1": PIN + "00"}, {"CP1": "x" * 64}])
    def test_that_is_malformed_is_the_application_s_mistake(self, pins):
        with pytest.raises(ValueError, match="of 64 hexadecimal digits"):
            show(certificate_pins=pins)
