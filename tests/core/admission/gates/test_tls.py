"""Security profiles behind proxies that are known: TLS up to the proxy, and the certificate that it passes on."""

from ocpp_core.admission.handshake import ConnectionFacts
from ocpp_core.inputs import Reject
from tests.core.admission.station import BASIC, NONE, TLS_BASIC, TLS_CERT, admit
from tests.tables import each

KNOWN = {"tls_terminated": True, "trusted_proxies": ("10.0.0.1",)}
CERTIFICATE = {"subject": ((("commonName", "CP1"),),)}


def status_of(outcome):
    return outcome.status if isinstance(outcome, Reject) else 101


@each(
    ("profile", "tls", "known", "status"),
    [
        (TLS_CERT, False, True, 403),
        (TLS_CERT, True, True, 101),
        (TLS_CERT, False, False, 101),  # nothing is known of the proxy: it must be the only way to the server
        (TLS_BASIC, False, True, 403),
        (TLS_BASIC, True, True, 401),
        (BASIC, False, True, 401),
        (NONE, False, True, 101),
    ],
)
def test_a_station_needs_tls_up_to_a_proxy_that_is_known(profile, tls, known, status):
    rules = KNOWN if known else {"tls_terminated": True}
    facts = ConnectionFacts("192.0.2.7", tls=tls)
    assert status_of(admit(facts=facts, security_profile=profile, **rules)) == status


@each(
    ("certificate", "is_absent", "identify", "status"),
    [
        (CERTIFICATE, False, "exact", 101),
        (None, False, "exact", 101),  # the proxy passes none on
        (None, True, "exact", 401),
        (None, True, "any", 401),
    ],
)
def test_a_station_without_the_certificate_that_a_proxy_passes_on_is_refused(certificate, is_absent, identify, status):
    facts = ConnectionFacts("192.0.2.7", certificate, tls=True, certificate_absent=is_absent)
    assert status_of(admit(facts=facts, security_profile=TLS_CERT, identify=identify, **KNOWN)) == status
