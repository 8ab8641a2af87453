"""The dates, names and key types of certificates: RFC 5280 §4.1."""

import ssl
from contextlib import suppress
from datetime import UTC, datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocpp_transports._tls._x509 import certificates_in, read_certificate

AUTHORITY = trustme.CA()
LEAF = AUTHORITY.issue_cert("csms.example", common_name="csms")
PEM = LEAF.cert_chain_pems[0].bytes()
DER = ssl.PEM_cert_to_DER_cert(PEM.decode())
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*attributes, not_after=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), key=KEY):
    """Make a certificate with these names in its subject."""
    name = x509.Name([x509.NameAttribute(*each) for each in attributes])
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(1960, 1, 1, tzinfo=UTC))
        .not_valid_after(not_after)
    )
    return built.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()).public_bytes(Encoding.DER)


class TestACertificate:
    @pytest.mark.parametrize("not_after", ["1961-01-01", "2049-12-31T23:59:59", "2050-01-01", "9999-12-31"])
    def test_states_its_expiry_in_both_forms_of_time(self, not_after):
        expected = datetime.fromisoformat(not_after).replace(tzinfo=UTC)
        assert read_certificate(certificate(not_after=expected)).not_after == expected

    @pytest.mark.parametrize("form", ["UTF8String", "PrintableString", "T61String", "BMPString", "UniversalString"])
    def test_has_its_name_in_any_kind_of_string(self, form):
        form = getattr(_ASN1Type, form)
        organization = (NameOID.ORGANIZATION_NAME, "Acme")
        assert read_certificate(certificate(organization, (NameOID.COMMON_NAME, "CP1", form))).common_name == "CP1"

    def test_may_have_none(self):
        assert read_certificate(certificate()).common_name == ""

    def test_has_a_type_of_key_whatever_its_size(self):
        larger = certificate(key=ec.generate_private_key(ec.SECP384R1()))
        other = certificate(key=ed25519.Ed25519PrivateKey.generate())
        assert read_certificate(DER).key_type == read_certificate(larger).key_type != read_certificate(other).key_type

    def test_agrees_with_cryptography(self):
        read, known = read_certificate(DER), x509.load_der_x509_certificate(DER)
        assert (read.common_name, read.not_after) == ("csms", known.not_valid_after_utc)


class TestAText:
    def test_may_have_several_certificates_between_other_things(self):
        text = LEAF.private_key_pem.bytes() + PEM + b"a comment\n" + AUTHORITY.cert_pem.bytes()
        assert [read_certificate(der).common_name for der in certificates_in(text)][:1] == ["csms"]
        assert len(list(certificates_in(text))) == 2

    def test_that_is_damaged_yields_no_bytes_in_place_of_the_certificate(self):
        damaged = b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"
        assert list(certificates_in(damaged)) == [b""]


class TestDamage:
    """Whatever the bytes are: only ValueError."""

    @settings(deadline=None)
    @given(st.integers(0, len(DER) - 1), st.binary(max_size=4), st.integers(0, 4))
    @example(0, b"\x30\x84\xff\xff", 4)
    @example(0, b"\x30\x80", 2)
    def test_in_a_certificate(self, at, data, length):
        self.read(DER[:at] + data + DER[at + length :])

    @settings(deadline=None)
    @given(st.binary(max_size=64))
    def test_without_any(self, data):
        for der in certificates_in(data):
            self.read(der)

    def read(self, der):
        with suppress(ValueError):
            read_certificate(der)
