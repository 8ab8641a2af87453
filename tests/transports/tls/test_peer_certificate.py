"""A certificate that a proxy passes on, in the form that `getpeercert` has for one of a TLS connection."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ocpp_transports._tls._peer_certificate import peer_certificate
from tests.tables import each

KEY = ec.generate_private_key(ec.SECP256R1())
NAMES = [
    (NameOID.COUNTRY_NAME, "DE"),
    (NameOID.ORGANIZATION_NAME, "Acmé"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "Roads"),
    (NameOID.COMMON_NAME, "CP1"),
    (NameOID.SERIAL_NUMBER, "4711"),
    (NameOID.EMAIL_ADDRESS, "cp1@acme.example"),
    (NameOID.DOMAIN_COMPONENT, "example"),
    (NameOID.USER_ID, "u1"),
    (NameOID.STATE_OR_PROVINCE_NAME, "BW"),
    (NameOID.LOCALITY_NAME, "Ulm"),
]
ALTERNATIVES = [
    x509.DNSName("cp1.example"),
    x509.RFC822Name("cp1@acme.example"),
    x509.UniformResourceIdentifier("urn:cp:1"),
    x509.IPAddress(ip_address("192.0.2.7")),
]


def certificate(*names, alternatives=(), number=0x0A, rdns=()):
    attributes = [x509.RelativeDistinguishedName([x509.NameAttribute(*name)]) for name in names]
    name = x509.Name([*attributes, *rdns])
    built = (
        x509.CertificateBuilder(name, name, KEY.public_key(), number)
        .not_valid_before(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        .not_valid_after(datetime(2051, 10, 20, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if alternatives:
        built = built.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return built.sign(KEY, SHA256()).public_bytes(Encoding.DER)


MANY = certificate(*NAMES, alternatives=ALTERNATIVES)
TWO = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("CP1", "CP2")])


@each(
    "der",
    [
        MANY,
        certificate(),
        certificate((NameOID.COMMON_NAME, "CP1")),
        certificate(rdns=[TWO]),
        certificate(number=0xF1234567890ABCDEF01234),
    ],
)
def test_it_has_the_fields_and_the_form_that_openssl_gives_it(der, tmp_path):
    path = tmp_path / "certificate.pem"
    path.write_text(ssl.DER_cert_to_PEM_cert(der))
    known = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]  # the private twin of getpeercert
    assert peer_certificate(der) == {key: value for key, value in known.items() if key != "version"}


@settings(deadline=None)
@given(st.integers(0, len(MANY) - 1), st.binary(max_size=4), st.integers(0, 4))
def test_damage_raises_nothing_but_a_value_error(at, inserted, removed):
    with suppress(ValueError):
        peer_certificate(MANY[:at] + inserted + MANY[at + removed :])


@each("der", [b"", b"junk", MANY + b"\0", MANY[:-1]])
def test_what_is_not_one_certificate_raises_a_value_error(der):
    with pytest.raises(ValueError, match="expected"):
        peer_certificate(der)
