"""Whom a server believes what about a station: the facts of a connection, with the reports of proxies."""

import hashlib
import ssl
from base64 import b64encode
from urllib.parse import quote

import trustme

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.handshake import SecurityProfile
from ocpp_core.proxies.proxy_protocol import ProxyHeader
from ocpp_transports._options._server import ServerOptions
from ocpp_transports._server._admitting._proxy_reports import ProxyReports
from ocpp_transports.events import SecurityEvent
from tests.tables import each

PROXY, STATION = "10.0.0.1", "192.0.2.7"
ISSUED = trustme.CA().issue_cert("station.example", common_name="CP1", organization_name="ACME")
PEM = ISSUED.cert_chain_pems[0].bytes().decode()
DER = ssl.PEM_cert_to_DER_cert(PEM)
PIN = hashlib.sha256(DER).hexdigest()
FORWARDING = {"forwarded_header": "x-forwarded-for"}
PASSING = {
    "security_profile": SecurityProfile.TLS_CERT,
    "tls_terminated": True,
    "certificate_header": "X-Client-Cert",
    "certificate_verify_header": "X-Client-Verify",
}
SHOWN = {"x-client-cert": quote(PEM), "x-client-verify": "SUCCESS"}


class Reading:
    """Reads reports; the time, and the events about what was ignored."""

    def __init__(self, **options):
        self.time = 0.0
        self.events: list[SecurityEvent] = []
        made = ServerOptions.of({"protocols": ["ocpp1.6"], "trusted_proxies": ["10.0.0.0/24"], **options})
        self.reports = ProxyReports(made, lambda: self.time, self.events.append)

    def read(self, peer=PROXY, facts=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.reports.reported(facts or ConnectionFacts(peer), named)

    @property
    def reasons(self):
        return [event.detail for event in self.events]


class TestTheAddress:
    def test_is_the_one_that_a_trusted_proxy_reports(self):
        facts = Reading(**FORWARDING).read(x_forwarded_for=f"6.6.6.6, {STATION}", forwarded="for=7.7.7.7")
        assert facts == ConnectionFacts(STATION, proxy_address=PROXY)

    def test_is_that_of_any_other_peer_whatever_it_reports(self):
        reading = Reading(**FORWARDING)
        assert reading.read(STATION, x_forwarded_for="6.6.6.6") == ConnectionFacts(STATION)
        assert reading.reasons == ["x-forwarded-for of a peer that is not in trusted_proxies was ignored"]

    def test_is_that_of_the_last_proxy_if_the_report_is_unreadable(self):
        reading = Reading(**FORWARDING)
        assert reading.read(x_forwarded_for=f"{STATION}, junk").remote_address == PROXY
        assert reading.reasons == ["x-forwarded-for of a proxy was not used: an entry is not an address"]
        assert reading.events[0].kind == "forwarded_header_ignored"
        assert reading.events[0].remote_address == PROXY

    def test_is_that_of_the_proxy_if_no_header_field_is_configured(self):
        assert Reading().read(x_forwarded_for=STATION, forwarded=f"for={STATION}").remote_address == PROXY

    def test_of_a_proxy_on_a_unix_socket_is_none_and_of_its_station_is_known(self):
        reading = Reading(trusted_proxies=["unix"], **FORWARDING)
        assert reading.read(None, x_forwarded_for=STATION).remote_address == STATION

    def test_is_reported_at_most_once_a_minute_if_a_peer_invents_it(self):
        reading = Reading(**FORWARDING)
        for _ in range(1000):
            reading.read(STATION, x_forwarded_for="6.6.6.6")
        reading.time = 59.9
        reading.read(STATION, x_forwarded_for="6.6.6.6")
        assert len(reading.events) == 1
        reading.time = 60.0
        reading.read(STATION, x_forwarded_for="6.6.6.6")
        assert reading.reasons[1:] == [
            "x-forwarded-for of a peer that is not in trusted_proxies was ignored (and 1,000 more before)"
        ]


class TestTLS:
    @each(("proto", "is_tls"), [("https", True), ("http", False), ("", False)])
    def test_is_what_a_trusted_proxy_states(self, proto, is_tls):
        reading = Reading(security_profile=SecurityProfile.TLS_BASIC, tls_terminated=True, **FORWARDING)
        assert reading.read(x_forwarded_for=STATION, x_forwarded_proto=proto).tls is is_tls

    def test_is_not_what_another_peer_states(self):
        reading = Reading(security_profile=SecurityProfile.TLS_BASIC, tls_terminated=True, **FORWARDING)
        assert not reading.read(STATION, x_forwarded_for=STATION, x_forwarded_proto="https").tls

    def test_is_assumed_of_a_trusted_proxy_that_terminates_it_and_reports_nothing(self):
        reading = Reading(security_profile=SecurityProfile.TLS_BASIC, tls_terminated=True)
        assert reading.read().tls
        assert not reading.read(STATION).tls

    @each(
        ("headers", "is_tls"),
        [
            ({"x_forwarded_for": STATION, "x_forwarded_proto": "https"}, True),
            ({"x_forwarded_for": STATION}, False),
            ({"x_forwarded_for": "junk"}, False),
            ({"x_forwarded_proto": "http"}, False),
            ({}, True),  # the proxy connects for itself
        ],
    )
    def test_of_the_connection_of_the_proxy_does_not_count_for_its_station(self, headers, is_tls):
        assert Reading(**FORWARDING).read(facts=ConnectionFacts(PROXY, tls=True), **headers).tls is is_tls


class TestTheCertificate:
    @each("value", [quote(PEM), b64encode(DER).decode()])
    @each("verify", ["SUCCESS", "0"])
    def test_is_the_one_that_a_trusted_proxy_passes_on(self, value, verify):
        facts = Reading(**PASSING).read(x_client_cert=value, x_client_verify=verify)
        assert facts.certificate_fingerprint == PIN
        assert not facts.certificate_absent
        assert facts.client_certificate["subject"][-1] == (("commonName", "CP1"),)

    @each(
        ("headers", "reasons"),
        [
            ({}, 0),
            ({"x-client-cert": ""}, 0),
            ({"x-client-verify": "SUCCESS"}, 0),
            ({**SHOWN, "x-client-verify": "NONE"}, 1),
            ({**SHOWN, "x-client-verify": "FAILED:certificate has expired"}, 1),
            ({"x-client-cert": quote(PEM)}, 1),
            ({**SHOWN, "x-client-cert": "junk"}, 1),
            ({**SHOWN, "x-client-cert": b64encode(b"junk").decode()}, 1),
        ],
    )
    def test_is_absent_unless_it_is_whole_and_verified(self, headers, reasons):
        reading = Reading(**PASSING)
        own = ConnectionFacts(PROXY, {"subject": ((("commonName", "proxy"),),)}, tls=True, certificate_fingerprint=PIN)
        facts = reading.read(facts=own, **headers)
        shown = facts.client_certificate, facts.certificate_fingerprint, facts.certificate_absent
        assert shown == (None, None, True)
        assert len(reading.events) == reasons

    def test_of_another_peer_counts_for_nothing(self):
        reading = Reading(**PASSING)
        facts = reading.read(STATION, **SHOWN)
        assert (facts.client_certificate, facts.certificate_absent) == (None, True)
        assert reading.reasons == ["X-Client-Cert of a peer that is not in trusted_proxies was ignored"]

    def test_of_a_tls_connection_of_another_peer_stays(self):
        own = ConnectionFacts(STATION, {"subject": ()}, tls=True)
        assert Reading(**PASSING).read(facts=own) == own


class TestAHeaderOfTheProxyProtocol:
    def announced(self, header, facts=None, **options):
        return Reading(**options).reports.announced(header, facts or ConnectionFacts(PROXY))

    def test_names_the_station(self):
        assert self.announced(ProxyHeader(STATION)) == ConnectionFacts(STATION, proxy_address=PROXY)
        assert self.announced(ProxyHeader()) == ConnectionFacts(PROXY, proxy_address=PROXY)

    def test_states_tls_and_the_name_in_the_certificate(self):
        facts = self.announced(ProxyHeader(STATION, tls=True, common_name="CP1"))
        assert facts.tls
        assert facts.client_certificate == {"subject": ((("commonName", "CP1"),),)}
        assert not facts.certificate_absent

    def test_states_that_there_is_no_certificate(self):
        facts = self.announced(ProxyHeader(STATION, tls=True))
        assert (facts.client_certificate, facts.certificate_absent) == (None, True)

    def test_without_a_word_on_tls_leaves_it_to_the_option(self):
        profile_2 = {"security_profile": SecurityProfile.TLS_BASIC}
        assert self.announced(ProxyHeader(STATION), tls_terminated=True, **profile_2).tls
        assert not self.announced(ProxyHeader(STATION), **profile_2).tls
        assert not self.announced(ProxyHeader(), tls_terminated=True, **profile_2).tls

    def test_does_not_override_the_tls_that_passes_through_the_proxy(self):
        shown = {"subject": ((("commonName", "CP2"),),)}
        facts = self.announced(
            ProxyHeader(STATION, tls=False, common_name="CP1"), ConnectionFacts(PROXY, shown, tls=True)
        )
        assert (facts.remote_address, facts.client_certificate, facts.tls) == (STATION, shown, True)

    def test_makes_the_fields_of_the_station_itself_untrue(self):
        reading = Reading(**FORWARDING)
        for header in (ProxyHeader(STATION), ProxyHeader()):
            facts = reading.reports.announced(header, ConnectionFacts(PROXY))
            assert reading.read(facts=facts, x_forwarded_for="6.6.6.6") == facts

    def test_may_name_another_proxy_whose_fields_count(self):
        reading = Reading(**FORWARDING)
        facts = reading.reports.announced(ProxyHeader("10.0.0.2"), ConnectionFacts(PROXY))
        assert reading.read(facts=facts, x_forwarded_for=STATION).remote_address == STATION
